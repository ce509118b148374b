#!/usr/bin/env python3
"""Golden values of the reference CNN, from PyTorch: writes reference_cnn.json beside this file.

    /usr/bin/python3 tests/golden/reference_cnn.py       (Debian: apt install python3-torch)

Everything is computed in float64, the more exact oracle, from float32 parameters and inputs, and
written with 9 significant digits. The script also runs the same in float32 and prints how far the
two are apart, so that a test's tolerance can be judged.

Parameters and batch are not stored. Both sides make them from integers; `fixture.ts` is the twin:

    x   = (stream * 2^20 + index) mod 2^32           index in the flat, row-major tensor
    x  ^= x >> 16;  x *= 0x7feb352d;  x ^= x >> 15;  x *= 0x846ca68b;  x ^= x >> 16   (mod 2^32)
    u   = ((x >> 8) - 2^23) / 2^23                   in [-1, 1), exact
    value = float32(offset + scale * u)              multiplied and added in float64

Layouts are kiln's: images NHWC, filters [KH, KW, C, O], dense weights [in, out], and the flatten
before local3 in H, W, C order.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

BATCH = 8
WEIGHT_DECAY = 0.004
SGD_RATE, MOMENTUM_RATE, MOMENTUM, STEPS = 0.02, 0.005, 0.9, 10
SAMPLES = 200  # values kept of a big gradient
FULL = 5000  # a gradient of at most so many values is kept whole

# name: (stream, shape, offset, scale). The scales give activations and gradients of a trained
# net's size, so that the cross entropy's gradient is not drowned by weight decay.
TENSORS = {
    "images": (42, (BATCH, 24, 24, 3), 0.0, 1.75),
    "conv1/weights": (2, (5, 5, 3, 64), 0.0, 0.08),
    "conv1/biases": (3, (64,), 0.0, 0.05),
    "conv2/weights": (4, (5, 5, 64, 64), 0.0, 0.08),
    "conv2/biases": (5, (64,), 0.1, 0.05),
    "local3/weights": (6, (2304, 384), 0.0, 0.06),
    "local3/biases": (7, (384,), 0.1, 0.05),
    "local4/weights": (8, (384, 192), 0.0, 0.06),
    "local4/biases": (9, (192,), 0.1, 0.05),
    "softmax_linear/weights": (10, (192, 10), 0.0, 0.1),
    "softmax_linear/biases": (11, (10,), 0.0, 0.05),
}
PARAMETERS = [name for name in TENSORS if name != "images"]
LABELS = [(3 * n) % 10 for n in range(BATCH)]


def generate(name):
    """The float32 array of a tensor in TENSORS, by the recipe above."""
    return hashed(*TENSORS[name])


def hashed(stream, shape, offset, scale):
    """Numbers in offset - scale to offset + scale, a hash of the stream and the place."""
    x = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(stream << 20)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    u = ((x >> np.uint32(8)).astype(np.float64) - 2.0**23) / 2.0**23
    return (offset + scale * u).astype(np.float32).reshape(shape)


def forward(images, w, margins=None):
    """Logits (N, 10) of NHWC images, for parameters `w` in kiln's layouts."""

    def relu(x):
        if margins is not None:
            margins["relu"] = min(margins["relu"], float(x.detach().abs().min()))
        return torch.relu(x)

    def conv(x, name):
        filters = w[name + "/weights"].permute(3, 2, 0, 1)  # [KH, KW, C, O] -> OIHW
        return relu(F.conv2d(x, filters, w[name + "/biases"], padding=2))

    def pool(x):  # SAME: 24 -> 12 and 12 -> 6, one pixel of padding at the bottom and right
        padded = F.pad(x, (0, 1, 0, 1), value=-math.inf)
        if margins is not None:
            top = padded.detach().unfold(2, 3, 2).unfold(3, 3, 2).flatten(-2).topk(2).values
            gap = (top[..., 0] - top[..., 1])[top[..., 0] > 0]
            margins["pool"] = min(margins["pool"], float(gap.min()))
        return F.max_pool2d(padded, 3, 2)

    def norm(x):  # PyTorch divides alpha by the window of 9 channels
        return F.local_response_norm(x, size=9, alpha=0.001, beta=0.75, k=1.0)

    x = norm(pool(conv(images.permute(0, 3, 1, 2), "conv1")))
    x = pool(norm(conv(x, "conv2")))
    x = x.permute(0, 2, 3, 1).flatten(1)
    x = relu(x @ w["local3/weights"] + w["local3/biases"])
    x = relu(x @ w["local4/weights"] + w["local4/biases"])
    return x @ w["softmax_linear/weights"] + w["softmax_linear/biases"]


def losses(logits, labels, w):
    """(cross entropy, total loss): the total adds decay * sum(w^2) / 2 on local3 and local4."""
    cross_entropy = F.cross_entropy(logits, labels)
    squares = sum(w[name].square().sum() for name in ("local3/weights", "local4/weights"))
    return cross_entropy, cross_entropy + WEIGHT_DECAY * squares / 2


def fresh(dtype):
    """(parameters, images, labels) as torch tensors of `dtype`."""
    w = {name: torch.tensor(generate(name), dtype=dtype, requires_grad=True) for name in PARAMETERS}
    return w, torch.tensor(generate("images"), dtype=dtype), torch.tensor(LABELS)


def first_step(dtype, margins=None):
    w, images, labels = fresh(dtype)
    logits = forward(images, w, margins)
    cross_entropy, total = losses(logits, labels, w)
    gradients = dict(zip(w, torch.autograd.grad(total, list(w.values()))))
    return logits.detach(), cross_entropy.item(), total.item(), gradients


def train(dtype, rate, momentum, ema_offset=None):
    """Losses before each of STEPS steps and after the last; with `ema_offset` the EMA's norms too.

    velocity = momentum * velocity + gradient;  w -= rate * velocity
    After step t = 0, 1, ...: d = min(0.9999, (1 + s) / (10 + s)), s = t + ema_offset;
    shadow -= (1 - d) * (shadow - w). The shadow starts as the initial value.
    """
    w, images, labels = fresh(dtype)
    velocity = {name: torch.zeros_like(v) for name, v in w.items()}
    shadow = {name: v.detach().clone() for name, v in w.items()}
    history = []
    for t in range(STEPS + 1):
        total = losses(forward(images, w), labels, w)[1]
        history.append(total.item())
        if t == STEPS:
            break
        gradients = torch.autograd.grad(total, list(w.values()))
        with torch.no_grad():
            s = t + (ema_offset or 0)
            decay = min(0.9999, (1 + s) / (10 + s))
            for (name, value), g in zip(w.items(), gradients):
                velocity[name].mul_(momentum).add_(g)
                value -= rate * velocity[name]
                shadow[name] -= (1 - decay) * (shadow[name] - value)
    norms = {name: v.norm().item() for name, v in shadow.items()}
    return history if ema_offset is None else (history, norms)


def digits(x):
    """`x`, a number or an array, as JSON values of 9 significant digits."""
    if isinstance(x, dict):
        return {key: digits(value) for key, value in x.items()}
    if isinstance(x, list):
        return [digits(value) for value in x]
    if isinstance(x, (float, int)):
        return float(f"{x:.9g}")
    return [float(f"{value:.9g}") for value in x.flatten().tolist()]


def pretty(golden):
    """JSON with a line for each entry of the outer two levels."""

    def lines(entries, indent):
        return (",\n" + indent).join(entries)

    def entry(key, value):
        if not isinstance(value, dict):
            return f"{json.dumps(key)}: {json.dumps(value)}"
        inner = lines((f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()), "    ")
        return f"{json.dumps(key)}: {{\n    {inner}\n  }}"

    return "{\n  " + lines((entry(k, v) for k, v in golden.items()), "  ") + "\n}\n"


def describe_input(name):
    values = generate(name)
    bits = values.reshape(-1).view(np.uint32)
    return {
        "shape": list(values.shape),
        "bits_sum": int(bits.astype(np.uint64).sum() % 2**32),
        "first": values.reshape(-1)[:4].astype(float).tolist(),
    }


def describe_gradient(g):
    stride = 1 if g.numel() <= FULL else g.numel() // SAMPLES | 1  # odd: meets all channels
    return {
        "shape": list(g.shape),
        "norm": digits(g.norm().item()),
        "sum": digits(g.sum().item()),
        "stride": stride,
        "values": digits(g.flatten()[::stride]),
    }


def relative(a, b):
    return ((a.double() - b).norm() / b.norm()).item()


def main():
    margins = {"relu": math.inf, "pool": math.inf}
    logits, cross_entropy, total, gradients = first_step(torch.float64, margins)
    sgd, ema_after = train(torch.float64, SGD_RATE, 0.0, ema_offset=1)
    _, ema_before = train(torch.float64, SGD_RATE, 0.0, ema_offset=0)
    momentum = train(torch.float64, MOMENTUM_RATE, MOMENTUM)
    golden = {
        "made_by": f"tests/golden/reference_cnn.py, PyTorch {torch.__version__}, float64",
        "batch": BATCH,
        "weight_decay": WEIGHT_DECAY,
        "labels": LABELS,
        "inputs": {name: describe_input(name) for name in TENSORS},
        "logits": digits(logits),
        "cross_entropy": digits(cross_entropy),
        "total_loss": digits(total),
        "gradients": {name: describe_gradient(g) for name, g in gradients.items()},
        "sgd": {"rate": SGD_RATE, "losses": digits(sgd)},
        "momentum": {"rate": MOMENTUM_RATE, "momentum": MOMENTUM, "losses": digits(momentum)},
        "ema": {
            "decay": 0.9999,
            "first_step_0": digits(ema_before),
            "first_step_1": digits(ema_after),
        },
        # How far the nearest ReLU is from zero and the nearest pooling window from a tie. The stream
        # of the images was chosen so that float32's rounding takes no branch another way.
        "margins": digits(margins),
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(pretty(golden))

    logits32, _, _, gradients32 = first_step(torch.float32)
    print(f"{path.name}: {path.stat().st_size} bytes; margins {margins}")
    print(f"cross entropy {cross_entropy:.6f}, total {total:.6f}")
    print(f"logits, float32 against float64: {relative(logits32, logits):.1e}")
    for name, g in gradients.items():
        decayed = WEIGHT_DECAY * torch.tensor(generate(name)).norm().item()
        share = f", norm {g.norm():.3g}, of weight decay {decayed:.3g}" if g.dim() == 2 else ""
        print(f"gradient of {name}: {relative(gradients32[name], g):.1e}{share}")
    print("sgd", sgd, "float32:", train(torch.float32, SGD_RATE, 0.0))
    print("momentum", momentum, "float32:", train(torch.float32, MOMENTUM_RATE, MOMENTUM))


if __name__ == "__main__":
    main()
