#!/usr/bin/env python3
"""Golden values of single ops, from PyTorch in float64: writes ops.json beside this file.

    /usr/bin/python3 tests/golden/ops.py                 (Debian: apt install python3-torch)

Inputs and upstream gradients are small multiples of 1/64, exact in float32; outputs and gradients
have 9 significant digits. Arrays are flat and row-major in kiln's layouts: NHWC, [KH, KW, C, O].
Gradients are those of sum(dy * output).

- SAME: output ceil(in / stride), padding max((out - 1) * stride + size - in, 0), the smaller half
  before. Padding never wins a max pool and is not counted by an average pool.
- max_pool: where values tie, the gradient goes to the first of them in row-major window order.
- lrn: y = x / (bias + alpha * sum_{|j| <= depth_radius} x_j^2)^beta, window clipped at the ends.
- softmax_cross_entropy: one loss for each row of logits.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

random = np.random.RandomState(20)


def values(shape, high=128):
    return torch.tensor(random.randint(-high, high, shape) / 64.0, dtype=torch.float64)


def same(size, kernel, stride):
    """(before, after) of SAME padding along one axis."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad(x, kernel, stride, padding, value=0.0):
    if padding == "VALID":
        return x
    (top, bottom), (left, right) = (same(size, kernel, stride) for size in x.shape[2:])
    return F.pad(x, (left, right, top, bottom), value=value)


def images(f):
    """Applies a function of NCHW images to NHWC ones."""
    return lambda x, *rest: f(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)


def conv2d(x, w, b, size, stride, padding):
    def nchw(x):
        return F.conv2d(pad(x, size, stride, padding), w.permute(3, 2, 0, 1), b, stride=stride)

    return images(nchw)(x)


def max_pool(x, size, stride, padding):
    return images(lambda x: F.max_pool2d(pad(x, size, stride, padding, -math.inf), size, stride))(x)


def avg_pool(x, size, stride, padding):
    def nchw(x):
        sums = F.avg_pool2d(pad(x, size, stride, padding), size, stride)
        counts = F.avg_pool2d(pad(torch.ones_like(x), size, stride, padding), size, stride)
        return sums / counts

    return images(nchw)(x)


def lrn(x, depth_radius, bias, alpha, beta):
    window = 2 * depth_radius + 1  # PyTorch divides alpha by it
    f = images(lambda x: F.local_response_norm(x, window, alpha * window, beta, bias))
    return f(x)


def softmax_cross_entropy(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none")


def digits(x):
    return [float(f"{v:.9g}") for v in x.detach().flatten().tolist()]


def array(x):
    return {"shape": list(x.shape), "values": digits(x) if x.is_floating_point() else x.tolist()}


def case(f, name, inputs, attributes, skip=()):
    """Values and gradients of f, the latter in all real inputs but those of `skip`."""
    real = {key: x.requires_grad_() for key, x in inputs.items() if x.is_floating_point() and key not in skip}
    output = f(**inputs, **attributes)
    dy = values(tuple(output.shape))
    gradients = torch.autograd.grad(output, list(real.values()), dy)
    return {
        "op": f.__name__,
        "name": name,
        "attributes": attributes,
        "inputs": {key: array(x) for key, x in inputs.items()},
        "output": array(output),
        "dy": digits(dy),
        "gradients": {key: digits(g) for key, g in zip(real, gradients)},
    }


def window(size, stride, padding):
    return {"size": size, "stride": stride, "padding": padding}


def conv_case(name, h, w, c, o, attributes):
    size = attributes["size"]
    inputs = {"x": values((2, h, w, c)), "w": values((size, size, c, o), 64), "b": values((o,))}
    return case(conv2d, name, inputs, attributes)


def main():
    ties = torch.tensor(random.randint(-1, 2, (2, 8, 7, 3)), dtype=torch.float64)
    ties[1, :4] = 0.0  # whole windows of equal values
    rows = {"logits": values((5, 7), 256), "labels": torch.tensor([0, 6, 3, 3, 1])}
    big = {"logits": values((3, 4)) * 64, "labels": torch.tensor([2, 0, 3])}
    cases = [
        conv_case("conv2d 5x5 SAME", 7, 6, 3, 4, window(5, 1, "SAME")),
        conv_case("conv2d 3x3 stride 2 SAME", 7, 6, 4, 5, window(3, 2, "SAME")),
        conv_case("conv2d 3x3 stride 2 VALID", 7, 8, 4, 5, window(3, 2, "VALID")),
        case(max_pool, "max pool, no ties", {"x": values((1, 8, 7, 4), 4096)}, window(3, 2, "SAME")),
        case(max_pool, "max pool, ties", {"x": ties}, window(3, 2, "SAME")),
        case(max_pool, "max pool VALID", {"x": values((1, 7, 8, 3), 4096)}, window(3, 2, "VALID")),
        case(avg_pool, "average pool SAME", {"x": values((2, 8, 7, 3))}, window(3, 2, "SAME")),
        case(avg_pool, "average pool VALID", {"x": values((2, 8, 7, 3))}, window(3, 2, "VALID")),
    ]
    for name, alpha in (("lrn of the reference CNN", 0.001 / 9), ("lrn, strong", 0.5)):
        attributes = {"depth_radius": 4, "bias": 1.0, "alpha": alpha, "beta": 0.75}
        cases.append(case(lrn, name, {"x": values((2, 2, 3, 12))}, attributes))
    narrow = {"depth_radius": 4, "bias": 2.0, "alpha": 0.25, "beta": 0.5}
    cases.append(case(lrn, "lrn, fewer channels than the window", {"x": values((1, 2, 2, 3))}, narrow))
    cases.append(case(softmax_cross_entropy, "softmax cross entropy", rows, {}))
    cases.append(case(softmax_cross_entropy, "softmax cross entropy, large logits", big, {}))

    path = pathlib.Path(__file__).with_suffix(".json")
    made_by = f"tests/golden/ops.py, PyTorch {torch.__version__}, float64"
    lines = ",\n".join("    " + json.dumps(c) for c in cases)
    path.write_text(f'{{\n  "made_by": {json.dumps(made_by)},\n  "cases": [\n{lines}\n  ]\n}}\n')
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
