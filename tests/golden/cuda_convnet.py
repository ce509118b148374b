#!/usr/bin/env python3
"""Golden values of two of cuda-convnet's nets, from PyTorch: writes cuda_convnet.json beside this file.

    /usr/bin/python3 tests/golden/cuda_convnet.py        (Debian: apt install python3-torch)

Float64 from float32 parameters and images, as reference_cnn.py; values are those of its recipe, by the
streams, scales and shapes that stand in the file. Images have the size of pixels less their mean, and weights
are large enough that each normalization changes what comes out by more than a test's tolerance.

Layers, their order and wc are written from cuda-convnet's layer files, not from src/. The ten steps are its own
update, with inc for each tensor,

    inc = mom inc + eps (mean gradient) - eps wc w;  w += inc        eps = EPS_W, of biases EPS_B
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from families import locally_connected, spatial_norm
from optimizers import generate
from reference_cnn import digits, pretty, relative

BATCH, STEPS, SAMPLES = 4, 10, 60
# Twenty times smaller than cuda-convnet's, as these weights are further from any minimum.
EPS_W, EPS_B, MOM = 5e-5, 1e-4, 0.9
LABELS = [(3 * n + 1) % 10 for n in range(BATCH)]


def conv(x, w, b):  # padding 2, stride 1; x is NHWC
    y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, padding=2)
    return y.permute(0, 2, 3, 1)


def max_pool(x):  # start 0, sizeX 3, stride 2, clipped at the far edge
    y = F.max_pool2d(x.permute(0, 3, 1, 2), 3, 2, ceil_mode=True)
    return y.permute(0, 2, 3, 1)


def avg_pool(x):  # divided by what lies inside the image
    y = F.avg_pool2d(x.permute(0, 3, 1, 2), 3, 2, ceil_mode=True)
    return y.permute(0, 2, 3, 1)


def cmrnorm(x):  # size 9, scale .001: PyTorch divides by the size as well
    y = F.local_response_norm(x.permute(0, 3, 1, 2), 9, alpha=0.001, beta=0.75, k=1.0)
    return y.permute(0, 2, 3, 1)


def rnorm(x):
    return spatial_norm(x, 3, 5e-5, 0.75)


def local(x, w, b):
    return locally_connected(x, w, b, 3, 1, "SAME")


def three_convolutions(x, w, norm):
    x = norm(torch.relu(max_pool(conv(x, *w["conv1"]))))
    x = norm(avg_pool(torch.relu(conv(x, *w["conv2"]))))
    return avg_pool(torch.relu(conv(x, *w["conv3"]))).flatten(1)


def pct18(x, w):
    return three_convolutions(x, w, rnorm) @ w["fc10"][0] + w["fc10"][1]


def local_11pct(x, w):
    x = cmrnorm(max_pool(torch.relu(conv(x, *w["conv1"]))))
    x = max_pool(cmrnorm(torch.relu(conv(x, *w["conv2"]))))
    x = torch.relu(local(x, *w["local3"]))
    x = torch.relu(local(x, *w["local4"]))
    return x.flatten(1) @ w["fc10"][0] + w["fc10"][1]


# Each layer: the shapes of weights and biases, the scale of its weights, wc.
NETS = {
    "18pct": (pct18, 32, {
        "conv1": ((5, 5, 3, 32), (32,), 0.08, 0.004),
        "conv2": ((5, 5, 32, 32), (32,), 0.04, 0.004),
        "conv3": ((5, 5, 32, 64), (64,), 0.04, 0.004),
        "fc10": ((1024, 10), (10,), 0.02, 1),
    }),
    "local-11pct": (local_11pct, 24, {
        "conv1": ((5, 5, 3, 64), (64,), 0.08, 0),
        "conv2": ((5, 5, 64, 64), (64,), 0.03, 0),
        "local3": ((36, 576, 64), (36, 64), 0.03, 0.004),
        "local4": ((36, 576, 32), (36, 32), 0.06, 0.004),
        "fc10": ((1152, 10), (10,), 0.05, 0.01),
    }),
}


def tensors(side, layers):
    """Stream, shape and scale of each tensor, the images first."""
    found = {"images": (1, (BATCH, side, side, 3), 100.0)}
    for i, (name, (weights, biases, scale, _)) in enumerate(layers.items()):
        found[f"{name}/weights"] = (4 * i + 4, weights, scale)
        found[f"{name}/biases"] = (4 * i + 7, biases, 0.5)
    return found


def describe(stream, shape, scale):
    bits = generate(stream, shape, 0.0, scale).numpy().astype(np.float32).reshape(-1).view(np.uint32)
    bits_sum = int(bits.astype(np.uint64).sum() % 2**32)
    return {"stream": stream, "shape": list(shape), "scale": scale, "bits_sum": bits_sum}


def describe_gradient(g):
    stride = max(1, g.numel() // SAMPLES) | 1  # odd: meets all channels
    values = digits(g.flatten()[::stride])
    return {"norm": digits(g.norm().item()), "stride": stride, "values": values}


def run(name, dtype):
    net, side, layers = NETS[name]
    recipes = tensors(side, layers)
    start = {key: generate(stream, shape, 0.0, scale) for key, (stream, shape, scale) in recipes.items()}
    images, labels = start.pop("images").to(dtype), torch.tensor(LABELS)
    p = {key: value.to(dtype).clone().requires_grad_() for key, value in start.items()}
    inc = {key: torch.zeros_like(value) for key, value in p.items()}
    result = {"losses": []}
    for step in range(STEPS + 1):
        w = {layer: (p[f"{layer}/weights"], p[f"{layer}/biases"]) for layer in layers}
        logits = net(images, w)
        cross_entropy = F.cross_entropy(logits, labels)
        decay = sum(layers[layer][3] * w[layer][0].square().sum() / 2 for layer in layers)
        result["losses"].append((cross_entropy + decay).item())
        gradients = dict(zip(p, torch.autograd.grad(cross_entropy, list(p.values()))))
        if step == 0:
            whole = {key: g.clone() for key, g in gradients.items()}
            for layer in layers:
                whole[f"{layer}/weights"] += layers[layer][3] * w[layer][0].detach()
            result |= {"logits": logits.detach(), "gradients": whole}
            result["cross_entropy"] = cross_entropy.item()
        if step == STEPS:
            break
        with torch.no_grad():
            for key, value in p.items():
                layer, kind = key.split("/")
                eps, wc = (EPS_W, layers[layer][3]) if kind == "weights" else (EPS_B, 0)
                inc[key] = MOM * inc[key] - eps * gradients[key] - eps * wc * value
                value += inc[key]
    result["moved"] = {key: (v.detach() - start[key]).norm().item() for key, v in p.items()}
    return result


def golden_net(name):
    found, single = run(name, torch.float64), run(name, torch.float32)
    print(f"{name}: losses {found['losses']}")
    print(f"  float32: logits {relative(single['logits'], found['logits']):.1e}, losses {single['losses']}")
    for key, g in found["gradients"].items():
        apart = relative(single["gradients"][key], g)
        moved = f"{found['moved'][key]:.3g}, float32 {single['moved'][key]:.3g}"
        print(f"  {key}: {apart:.1e}, norm {g.norm():.3g}, moved {moved}")
    _, side, layers = NETS[name]
    return {
        "inputs": {key: describe(*recipe) for key, recipe in tensors(side, layers).items()},
        "logits": digits(found["logits"]),
        "cross_entropy": digits(found["cross_entropy"]),
        "gradients": {key: describe_gradient(g) for key, g in found["gradients"].items()},
        "losses": digits(found["losses"]),
        "moved": digits(found["moved"]),
    }


def main():
    golden = {
        "made_by": f"tests/golden/cuda_convnet.py, PyTorch {torch.__version__}, float64",
        "batch": BATCH,
        "labels": LABELS,
        "rate": EPS_W,
        "momentum": MOM,
    } | {name: golden_net(name) for name in NETS}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(pretty(golden))
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
