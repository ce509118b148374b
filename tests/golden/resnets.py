#!/usr/bin/env python3
"""Golden values of whole ResNets, from PyTorch: writes resnets.json beside this file.

    /usr/bin/python3 tests/golden/resnets.py       (Debian: apt install python3-torch)

The networks are written from their descriptions, not from kiln: TensorFlow's research/resnet
(pre-activation units) and cifar10_estimator (units of He et al. 2015). Everything is computed in
float64 and also in float32; how far the two are apart is printed, so that a test's tolerance can be
judged. Parameters and batches are made from integers as in reference_cnn.py; tensor number i of a
net, in the order of its layers, has the stream 100 + i.

`--search` finds the stream of the images whose activations stay farthest from the kink of the ReLUs,
so that float32's rounding takes no branch another way.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

from reference_cnn import digits, hashed, relative

BATCH, STEPS, SAMPLES, FULL = 4, 10, 24, 32
MOMENTUM, WEIGHT_DECAY = 0.9, 0.0002
LABELS = [3, 0, 9, 6]


class Network:
    """Layers that make their parameters when they are first met, in kiln's layouts."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.w = {}
        self.decayed = []
        self.running = {}  # name: (mean, variance)
        self.debias = {}  # name: what zero_debias keeps: biased mean and variance
        self.updates = 0
        self.training = True
        self.margin = math.inf

    def parameter(self, name, shape, offset, scale, decays):
        if name not in self.w:
            values = hashed(100 + len(self.w), shape, offset, scale)
            self.w[name] = torch.tensor(values, dtype=self.dtype, requires_grad=True)
            if decays:
                self.decayed.append(name)
        return self.w[name]

    def conv(self, name, x, filters, size, stride):
        reach = math.sqrt(6 / (size * size * x.shape[1]))
        shape = (size, size, x.shape[1], filters)
        w = self.parameter(name + "/weights", shape, 0.0, reach, True)
        return F.conv2d(self.padded(x, size, stride), w.permute(3, 2, 0, 1), stride=stride)

    def norm(self, name, x):
        shape = (x.shape[1],)
        gamma = self.parameter(name + "/gamma", shape, 1.0, 0.25, self.decays_all)
        beta = self.parameter(name + "/beta", shape, 0.0, 0.25, self.decays_all)
        if not self.training:
            mean, variance = self.running[name]
            return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, self.epsilon)
        still = x.detach()
        self.follow(name, (still.mean((0, 2, 3)), still.var((0, 2, 3), unbiased=False)))
        return F.batch_norm(x, None, None, gamma, beta, True, 0.0, self.epsilon)

    def follow(self, name, batch):
        start = (torch.zeros_like(batch[0]), torch.ones_like(batch[1]))
        self.running[name] = self.followed(name, self.running.get(name, start), batch)

    def dense(self, name, x, units):
        inputs = x.shape[1]
        w = self.parameter(name + "/weights", (inputs, units), 0.0, math.sqrt(3 / inputs), True)
        return x @ w + self.parameter(name + "/biases", (units,), 0.0, 0.25, self.decays_all)

    def activated(self, x):
        self.margin = min(self.margin, float(x.detach().abs().min()))
        return F.leaky_relu(x, self.slope)

    def shortcut(self, x, filters, stride):
        """Option A: averages of whole windows, then zero channels on both sides."""
        x = F.avg_pool2d(x, stride, stride)
        half = (filters - x.shape[1]) // 2
        return F.pad(x, (0, 0, 0, 0, half, half))

    def loss(self, logits):
        decay = sum(self.w[name].square().sum() for name in self.decayed) * WEIGHT_DECAY / 2
        cross_entropy = F.cross_entropy(logits, torch.tensor(LABELS))
        return cross_entropy, cross_entropy + decay


class PreActivation(Network):
    """research/resnet; `units` a stage."""

    units = 1
    epsilon, slope, decays_all, classes = 1e-3, 0.1, False, 10
    decay, zero_debias = 0.9, True

    def padded(self, x, size, stride):
        # TensorFlow's SAME: the odd pixel at the bottom and right.
        total = max((math.ceil(x.shape[2] / stride) - 1) * stride + size - x.shape[2], 0)
        before, after = total // 2, total - total // 2
        return F.pad(x, (before, after, before, after))

    def followed(self, name, running, batch):
        # assign_moving_average with zero_debias: a biased average from zero, and its divisor.
        biased = self.debias.get(name, tuple(map(torch.zeros_like, batch)))
        biased = tuple(b - (b - new) * (1 - self.decay) for b, new in zip(biased, batch))
        self.debias[name] = biased
        return tuple(b / (1 - self.decay**self.updates) for b in biased)

    def branch(self, unit, x, filters, stride):
        x = self.conv(unit + "/conv1", x, filters, 3, stride)
        x = self.activated(self.norm(unit + "/bn2", x))
        return self.conv(unit + "/conv2", x, filters, 3, 1)

    widths = (16, 32, 64)

    def forward(self, x):
        x = self.conv("stem", x, 16, 3, 1)
        for stage, (filters, stride) in enumerate(zip(self.widths, (1, 2, 2))):
            for i in range(self.units):
                unit, step = f"unit_{stage + 1}_{i}", stride if i == 0 else 1
                before = x
                x = self.activated(self.norm(unit + "/bn1", x))
                from_ = x if stage == i == 0 else before  # activate_before_residual
                x = self.branch(unit, x, filters, step)
                x = x + self.shortcut_of(unit, from_, filters, step)
        x = self.activated(self.norm("bn_last", x))
        return self.dense("logits", x.mean((2, 3)), self.classes)

    def shortcut_of(self, unit, x, filters, stride):
        return x if x.shape[1] == filters else self.shortcut(x, filters, stride)


class Bottleneck(PreActivation):
    widths = (64, 128, 256)

    def branch(self, unit, x, filters, stride):
        x = self.conv(unit + "/conv1", x, filters // 4, 1, stride)
        x = self.activated(self.norm(unit + "/bn2", x))
        x = self.conv(unit + "/conv2", x, filters // 4, 3, 1)
        x = self.activated(self.norm(unit + "/bn3", x))
        return self.conv(unit + "/conv3", x, filters, 1, 1)

    def shortcut_of(self, unit, x, filters, stride):
        return x if x.shape[1] == filters else self.conv(unit + "/project", x, filters, 1, stride)


class Version1(Network):
    """cifar10_estimator, `units` a stage; it has a class more than CIFAR-10."""

    units = 1
    epsilon, slope, decays_all, classes = 1e-5, 0.0, True, 11
    decay, zero_debias = 0.997, False

    def padded(self, x, size, stride):
        return F.pad(x, [(size - 1) // 2] * 4)  # the same on all sides, also with a stride

    def followed(self, name, running, batch):
        return tuple(self.decay * old + (1 - self.decay) * new for old, new in zip(running, batch))

    def forward(self, x):
        x = self.activated(self.norm("stem/bn", self.conv("stem", x, 16, 3, 1)))
        for stage, (filters, stride) in enumerate(zip((16, 32, 64), (1, 2, 2))):
            for i in range(self.units):
                unit, step = f"unit_{stage + 1}_{i}", stride if i == 0 else 1
                y = self.conv(unit + "/conv1", x, filters, 3, step)
                y = self.activated(self.norm(unit + "/bn1", y))
                y = self.norm(unit + "/bn2", self.conv(unit + "/conv2", y, filters, 3, 1))
                x = y + (x if x.shape[1] == filters else self.shortcut(x, filters, step))
                x = self.activated(x)
        return self.dense("logits", x.mean((2, 3)), self.classes)


# name: (network, stream of the first step's images, rate)
NETWORKS = {
    "resnet-8": (PreActivation, 1900, 0.01),
    "resnet-11-bottleneck": (Bottleneck, 1640, 0.01),
    "resnet-v1-8": (Version1, 1740, 0.003),
}


def images(stream, dtype):
    values = hashed(stream, (BATCH, 32, 32, 3), 0.0, 1.75)
    return torch.tensor(values, dtype=dtype).permute(0, 3, 1, 2)


def run(name, dtype):
    """What is computed with one network: every step has images of its own, of the next stream."""
    make, stream, rate = NETWORKS[name]
    net = make(dtype)
    velocity, history = None, []
    for step in range(STEPS):
        net.updates += 1
        logits = net.forward(images(stream + step, dtype))
        cross_entropy, total = net.loss(logits)
        gradients = torch.autograd.grad(total, list(net.w.values()))
        history.append(total.item())
        if step == 0:
            first = (logits.detach(), cross_entropy.item(), dict(zip(net.w, gradients)))
            margin, initial = net.margin, {k: v.detach().clone() for k, v in net.w.items()}
            velocity = [torch.zeros_like(g) for g in gradients]
        with torch.no_grad():
            for v, g, value in zip(velocity, gradients, net.w.values()):
                v.mul_(MOMENTUM).add_(g)
                value -= rate * v
    net.training = False
    evaluated = net.forward(images(stream, dtype)).detach()
    return {
        "net": net,
        "initial": initial,
        "margin": margin,
        "logits": first[0],
        "cross_entropy": first[1],
        "gradients": first[2],
        "losses": history,
        "evaluated": evaluated,
    }


def sampled(x):
    stride = 1 if x.numel() <= FULL else x.numel() // SAMPLES | 1
    return {"norm": digits(x.norm().item()), "stride": stride, "values": digits(x.flatten()[::stride])}


def bits(x):
    return int(x.numpy().astype(np.float32).reshape(-1).view(np.uint32).astype(np.uint64).sum() % 2**32)


def golden_of(name):
    wide, narrow = run(name, torch.float64), run(name, torch.float32)
    net = wide["net"]
    errors = {
        "logits": relative(narrow["logits"], wide["logits"]),
        "gradients": max(
            relative(narrow["gradients"][key], g) for key, g in wide["gradients"].items()
        ),
        "losses": max(abs(a / b - 1) for a, b in zip(narrow["losses"], wide["losses"])),
        "statistics": max(
            relative(torch.stack(narrow["net"].running[key]), torch.stack(pair))
            for key, pair in net.running.items()
        ),
        "evaluated": relative(narrow["evaluated"], wide["evaluated"]),
    }
    print(f"{name}: {sum(v.numel() for v in net.w.values())} parameters, margin {wide['margin']:.1e}")
    print(f"  losses {[round(loss, 4) for loss in wide['losses']]}")
    print("  float32 against float64:", ", ".join(f"{k} {v:.1e}" for k, v in errors.items()))
    _, stream, rate = NETWORKS[name]
    return {
        "classes": net.classes,
        "stream": stream,
        "rate": rate,
        "margin": digits(wide["margin"]),
        "float32": {key: float(f"{value:.2g}") for key, value in errors.items()},
        "cross_entropy": digits(wide["cross_entropy"]),
        "losses": digits(wide["losses"]),
        "logits": digits(wide["logits"]),
        "evaluated": digits(wide["evaluated"]),
        "parameters": {
            key: {
                "shape": list(value.shape),
                "decays": key in net.decayed,
                "bits_sum": bits(value),
                "gradient": sampled(wide["gradients"][key]),
            }
            for key, value in wide["initial"].items()
        },
        # [2, C]: means, then variances.
        "statistics": {key: sampled(torch.stack(pair)) for key, pair in net.running.items()},
    }


def search():
    for name, (make, *_) in NETWORKS.items():
        best = (0, 0)
        for stream in range(1000, 1000 + 20 * 50, 20):
            net = make(torch.float64)
            with torch.no_grad():
                net.updates = 1
                net.forward(images(stream, torch.float64))
            best = max(best, (net.margin, stream))
        print(name, best)


def main():
    golden = {
        "made_by": f"tests/golden/resnets.py, PyTorch {torch.__version__}, float64",
        "batch": BATCH,
        "momentum": MOMENTUM,
        "weight_decay": WEIGHT_DECAY,
        "labels": LABELS,
        "networks": {name: golden_of(name) for name in NETWORKS},
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(lines(golden, 4) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def lines(value, depth, indent=""):
    """JSON with a line for each entry of the outer levels."""
    if not isinstance(value, dict) or depth == 0:
        return json.dumps(value)
    inner = indent + "  "
    entries = (f"{inner}{json.dumps(k)}: {lines(v, depth - 1, inner)}" for k, v in value.items())
    return "{\n" + ",\n".join(entries) + "\n" + indent + "}"


if __name__ == "__main__":
    search() if "--search" in sys.argv else main()
