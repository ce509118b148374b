#!/usr/bin/env python3
"""Golden values of the ops of more model families, as ops.py: writes families.json beside this file.

    /usr/bin/python3 tests/golden/families.py            (Debian: apt install python3-torch)

- batch_norm: over all axes but the last, with its own (biased) moments, then a leaky ReLU of `slope` (1: none).
- normalize_channels: the same with given moments, as in evaluation.
- gelu: the exact one, by erf.
- locally_connected: every output position has filters and a bias of its own; w is [OH OW, KH KW C, O].
- spatial_norm: y = x / (1 + scale / size^2 * sum of x^2 over a window of rows and columns)^power, clipped at
  the edges (cuda-convnet's rnorm).
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

import ops
from ops import case, images, pad, values, window

ops.random = np.random.RandomState(21)


def leaky(z, slope):
    return torch.where(z > 0, z, slope * z)


def batch_norm(x, gamma, beta, epsilon, slope):
    f = images(lambda x: F.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon))
    return leaky(f(x), slope)


def normalize_channels(x, gamma, beta, moments, epsilon, slope):
    mean, variance = moments.detach()
    f = images(lambda x: F.batch_norm(x, mean, variance, gamma, beta, training=False, eps=epsilon))
    return leaky(f(x), slope)


def moments(x):
    rows = x.reshape(-1, x.shape[-1])
    return torch.stack([rows.mean(0), rows.var(0, unbiased=False)])


def leaky_relu(x, slope):
    return F.leaky_relu(x, slope)


def gelu(x):
    return F.gelu(x)


def global_average_pool(x):
    return images(lambda x: F.adaptive_avg_pool2d(x, 1))(x).flatten(1)


def locally_connected(x, w, b, size, stride, padding):
    n, h, wide, c = x.shape
    nchw = pad(x.permute(0, 3, 1, 2), size, stride, padding)
    oh, ow = ((side - size) // stride + 1 for side in nchw.shape[2:])
    patches = F.unfold(nchw, size, stride=stride)  # [N, C KH KW, P]
    patches = patches.reshape(n, c, size * size, oh * ow).permute(0, 3, 2, 1).reshape(n, oh * ow, -1)
    y = torch.einsum("npk,pko->npo", patches, w) + b
    return y.reshape(n, oh, ow, -1)


def spatial_norm(x, size, scale, power):
    square = (x * x).permute(0, 3, 1, 2)
    before = size // 2
    padded = F.pad(square, (before, size - 1 - before, before, size - 1 - before))
    sums = F.avg_pool2d(padded, size, 1).permute(0, 2, 3, 1)  # over size^2 always
    return x / (1 + scale * sums) ** power


def norm_case(name, shape, attributes, shift=0):
    c = shape[-1]
    inputs = {"x": values(shape) + shift, "gamma": values((c,)), "beta": values((c,))}
    return case(batch_norm, name, inputs, attributes)


def local_case(name, x, o, attributes):
    n, h, w, c = x
    size, stride = attributes["size"], attributes["stride"]
    same = attributes["padding"] == "SAME"
    oh, ow = (-(-side // stride) if same else (side - size) // stride + 1 for side in (h, w))
    weights = values((oh * ow, size * size * c, o), 64)
    inputs = {"x": values(x), "w": weights, "b": values((oh * ow, o))}
    return case(locally_connected, name, inputs, attributes)


def main():
    plain, leaky_10 = {"epsilon": 1e-3, "slope": 1}, {"epsilon": 1e-5, "slope": 0.1}
    given = {"x": values((2, 3, 4, 5)), "gamma": values((5,)), "beta": values((5,))}
    given["moments"] = torch.stack([values((5,)), values((5,)).abs() + 0.5])
    cases = [
        norm_case("batch norm", (3, 4, 5, 6), plain),
        norm_case("batch norm, leaky", (3, 4, 5, 6), leaky_10),
        norm_case("batch norm, ReLU, one image", (1, 7, 5, 4), {"epsilon": 1e-3, "slope": 0}),
        norm_case("batch norm, mean 1000", (2, 8, 8, 4), plain, 1000),
        case(moments, "moments", {"x": values((3, 5, 4, 6))}, {}),
        case(moments, "moments, mean 1000", {"x": values((3, 5, 4, 6)) + 1000}, {}),
    ]
    evaluated = case(normalize_channels, "given moments", given, plain, skip=("moments",))
    cases.append(evaluated)
    given = {key: x.detach() for key, x in given.items()}
    cases.append(case(normalize_channels, "given moments, leaky", given, leaky_10, skip=("moments",)))
    cases += [
        case(leaky_relu, "leaky ReLU", {"x": values((3, 4, 7))}, {"slope": 0.1}),
        case(gelu, "GELU", {"x": values((5, 37), 512)}, {}),
        case(global_average_pool, "global average pool", {"x": values((3, 4, 5, 6))}, {}),
        local_case("cuda-convnet's", (3, 4, 4, 4), 3, window(3, 1, "SAME")),
        local_case("odd sizes", (2, 5, 3, 2), 5, window(3, 1, "SAME")),
        local_case("stride 2", (2, 6, 5, 3), 2, window(3, 2, "SAME")),
        local_case("VALID", (3, 5, 5, 2), 3, window(2, 1, "VALID")),
    ]
    for name, size, scale, power in (("rnorm", 3, 5e-5, 0.75), ("strong", 3, 2, 0.75), ("wide", 5, 1, 0.5)):
        attributes = {"size": size, "scale": scale, "power": power}
        cases.append(case(spatial_norm, f"rnorm, {name}", {"x": values((2, 6, 5, 3))}, attributes))

    path = pathlib.Path(__file__).with_suffix(".json")
    made_by = f"tests/golden/families.py, PyTorch {torch.__version__}, float64"
    lines = ",\n".join("    " + json.dumps(c) for c in cases)
    path.write_text(f'{{\n  "made_by": {json.dumps(made_by)},\n  "cases": [\n{lines}\n  ]\n}}\n')
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
