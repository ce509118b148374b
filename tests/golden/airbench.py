#!/usr/bin/env python3
"""Golden values of cifar10-airbench's net with both optimizers, from PyTorch: writes airbench.json beside this file.

    /usr/bin/python3 tests/golden/airbench.py      (Debian: apt install python3-torch)

The net and its training are written from the description of airbench94.py and airbench94_muon.py: losses are sums
over the batch, and `torch.optim.SGD` has a group for each learning rate. Parameters and batches are hashed as in
resnets.py; float32 is run beside float64, and how far the two are apart is printed. Running variances are biased
ones, as kiln's are; `torch.nn.BatchNorm2d` has n / (n - 1) of them.

The whitening filters of some images are here too, made with numpy.linalg.eigh.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from reference_cnn import digits, relative
from resnets import bits, hashed, lines, sampled

BATCH, STEPS, CLASSES = 4, 10, 10
LABELS = [3, 0, 9, 6]
WIDTHS = (64, 256, 256)
SMOOTHING, MOMENTUM, MUON_MOMENTUM = 0.2, 0.85, 0.6
# The whitening's biases learn in the first of the ten steps.
BIAS_STEPS = 4


class Net:
    """The net, in kiln's layouts: filters [KH, KW, C, O]."""

    def __init__(self, dtype, scale):
        self.scale = scale
        self.running = {}
        self.training = True
        self.w = {}
        add = lambda name, shape, reach: self.w.update(
            {name: torch.tensor(hashed(100 + len(self.w), shape, 0.0, reach), dtype=dtype)}
        )
        add("whiten/weights", (2, 2, 3, 24), math.sqrt(6 / 12))
        add("whiten/biases", (24,), 0.25)
        channels = 24
        for i, width in enumerate(WIDTHS):
            for part in (1, 2):
                shape = (3, 3, channels, width)
                add(f"group{i + 1}/conv{part}/weights", shape, math.sqrt(6 / (9 * channels)))
                add(f"group{i + 1}/bn{part}/beta", (width,), 0.25)
                channels = width
        add("head/weights", (channels, CLASSES), math.sqrt(3 / channels))
        for name, value in self.w.items():
            value.requires_grad_(name != "whiten/weights")

    def norm(self, name, x):
        beta = self.w[name + "/beta"]
        if not self.training:
            return F.batch_norm(x, *self.running[name], None, beta, False, 0.0, 1e-12)
        with torch.no_grad():
            batch = (x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False))
            old = self.running.get(name, (torch.zeros_like(batch[0]), torch.ones_like(batch[1])))
            self.running[name] = tuple(0.6 * a + 0.4 * b for a, b in zip(old, batch))
        return F.batch_norm(x, None, None, None, beta, True, 0.0, 1e-12)

    def conv(self, name, x, **options):
        return F.conv2d(x, self.w[name + "/weights"].permute(3, 2, 0, 1), **options)

    def forward(self, x):
        x = F.gelu(self.conv("whiten", x, bias=self.w["whiten/biases"]))
        for i in range(3):
            x = F.max_pool2d(self.conv(f"group{i + 1}/conv1", x, padding=1), 2)
            x = F.gelu(self.norm(f"group{i + 1}/bn1", x))
            x = self.conv(f"group{i + 1}/conv2", x, padding=1)
            x = F.gelu(self.norm(f"group{i + 1}/bn2", x))
        return F.max_pool2d(x, 3).flatten(1) @ self.w["head/weights"] * self.scale


def zeropower(g):
    """Newton and Schulz's iteration for a matrix [O, K]."""
    x = g / (g.norm() + 1e-7)
    if x.shape[0] > x.shape[1]:
        return zeropower_of(x.T).T
    return zeropower_of(x)


def zeropower_of(x):
    for _ in range(3):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


class Muon:
    def __init__(self, filters):
        self.filters = filters
        self.buffers = [torch.zeros_like(w) for w in filters]

    @torch.no_grad()
    def step(self, rate):
        for w, buffer in zip(self.filters, self.buffers):
            buffer.mul_(MUON_MOMENTUM).add_(w.grad)
            ahead = w.grad + MUON_MOMENTUM * buffer
            matrix = ahead.permute(3, 2, 0, 1).reshape(w.shape[3], -1)
            update = zeropower(matrix).reshape(w.shape[3], w.shape[2], 3, 3).permute(2, 3, 1, 0)
            w.mul_(math.sqrt(w.shape[3]) / w.norm()).sub_(rate * update)


def triangle(step):
    """From 0.2 to 1 over 23% of the steps, to 0.07 at their end."""
    top = int(0.23 * STEPS)
    if step < top:
        return 0.2 + 0.8 * step / top
    return 1 + (0.07 - 1) * (step - top) / (STEPS - top)


def groups_of(net, recipe):
    """(name, rate for losses summed over the batch, decay): a step also takes rate * decay of the weights."""
    groups = []
    for name, value in net.w.items():
        if not value.requires_grad or (recipe["muon"] and value.dim() == 4):
            continue
        kind = "beta" if name.endswith("beta") else "head" if name == "head/weights" else "other"
        if recipe["muon"]:
            # Rates and the whole decay of a step are given.
            rate = recipe["head" if kind == "head" else "bias"]
            groups.append((name, rate, recipe["decay"] / rate))
        else:
            rate = recipe["rate"] * (64 if kind == "beta" else 1)
            groups.append((name, rate, recipe["decay"] / rate))
    return groups


# SGD: the rate and the decay of airbench94.py, whose rate is divided by 1024 (1 + 1 / (1 - momentum)), with a
# smaller rate for a batch of 4. Muon: the rates of airbench94_muon.py for its batch of 2000, all divided by the same.
KILOSTEP = 1024 * (1 + 1 / (1 - MOMENTUM))
SLOWER = 1 / 100
NETWORKS = {
    "airbench94": {
        "muon": False,
        "stream": 2100,
        "scale": 1 / 9,
        "rate": 11.5 / KILOSTEP * 1024 / BATCH * SLOWER,
        "decay": 0.0153 * 1024 / KILOSTEP * SLOWER,
    },
    "airbench94-muon": {
        "muon": True,
        "stream": 2300,
        "scale": 1 / 256,
        "rate": 0.24 * SLOWER,
        "bias": 0.053 * 2000 / BATCH * SLOWER,
        "head": 0.67 * 2000 / BATCH * SLOWER,
        "decay": 2e-6 * 2000 * SLOWER,
    },
}


def images(stream, dtype):
    values = hashed(stream, (BATCH, 32, 32, 3), 0.0, 1.75)
    return torch.tensor(values, dtype=dtype).permute(0, 3, 1, 2)


def run(name, dtype):
    recipe = NETWORKS[name]
    net = Net(dtype, recipe["scale"])
    initial = {key: value.detach().clone() for key, value in net.w.items()}
    groups = groups_of(net, recipe)
    optimizer = torch.optim.SGD(
        [{"params": [net.w[key]], "lr": rate, "weight_decay": decay} for key, rate, decay in groups],
        lr=1.0,
        momentum=MOMENTUM,
        nesterov=True,
    )
    muon = Muon([w for w in net.w.values() if w.dim() == 4 and w.requires_grad]) if recipe["muon"] else None
    slow = {key: value.clone() for key, value in initial.items()}
    slow_running = {}
    losses, first = [], None
    for step in range(STEPS):
        net.w["whiten/biases"].requires_grad_(step < BIAS_STEPS)
        logits = net.forward(images(recipe["stream"] + step, dtype))
        cross = F.cross_entropy(
            logits, torch.tensor(LABELS), label_smoothing=SMOOTHING, reduction="sum"
        )
        # The mean loss with its decay, as kiln tells it.
        decays = sum(d / BATCH * net.w[key].square().sum() / 2 for key, _, d in groups)
        losses.append((cross / BATCH + decays).item())
        optimizer.zero_grad(set_to_none=True)
        for w in muon.filters if muon else []:
            w.grad = None
        cross.backward()
        if first is None:
            of = {key: d for key, _, d in groups}
            gradients = {
                key: (w.grad + of.get(key, 0.0) * w.detach()) / BATCH
                for key, w in net.w.items()
                if w.grad is not None
            }
            first = (logits.detach(), (cross / BATCH).item(), gradients)
        line = 1 - step / STEPS
        for group, (key, rate, _) in zip(optimizer.param_groups, groups):
            if not recipe["muon"]:
                group["lr"] = rate * triangle(step)
            elif key == "whiten/biases":
                group["lr"] = rate * max(1 - step / BIAS_STEPS, 0.0)
            else:
                group["lr"] = rate * line
        optimizer.step()
        if muon:
            muon.step(recipe["rate"] * line)
            continue
        # Lookahead, at every fifth step.
        if step == 0:
            slow_running = {
                key: (torch.zeros_like(a), torch.ones_like(b)) for key, (a, b) in net.running.items()
            }
        if (step + 1) % 5 == 0:
            keep = 0.95**5 * ((step + 1) / STEPS) ** 3
            with torch.no_grad():
                for key, value in net.w.items():
                    slow[key].lerp_(value.detach(), 1 - keep)
                    value.copy_(slow[key])
            for key, pair in net.running.items():
                slow_running[key] = tuple(s.lerp(f, 1 - keep) for s, f in zip(slow_running[key], pair))
                net.running[key] = slow_running[key]
    net.training = False
    with torch.no_grad():
        evaluated = net.forward(images(recipe["stream"], dtype))
    return {"net": net, "initial": initial, "first": first, "losses": losses, "evaluated": evaluated}


def golden_of(name):
    wide, narrow = run(name, torch.float64), run(name, torch.float32)
    recipe, net = NETWORKS[name], wide["net"]
    logits, cross, gradients = wide["first"]
    errors = {
        "logits": relative(narrow["first"][0], logits),
        "gradients": max(relative(narrow["first"][2][key], g) for key, g in gradients.items()),
        "losses": max(abs(a / b - 1) for a, b in zip(narrow["losses"], wide["losses"])),
        "weights": max(
            relative(narrow["net"].w[key].detach(), w.detach()) for key, w in net.w.items()
        ),
        "statistics": max(
            relative(torch.stack(narrow["net"].running[key]), torch.stack(pair))
            for key, pair in net.running.items()
        ),
        "evaluated": relative(narrow["evaluated"], wide["evaluated"]),
    }
    print(name, "losses", [round(loss, 4) for loss in wide["losses"]])
    print("  float32 against float64:", ", ".join(f"{k} {v:.1e}" for k, v in errors.items()))
    return {
        "classes": CLASSES,
        "stream": recipe["stream"],
        # For losses that are means over the batch.
        "rate": recipe["rate"] if recipe["muon"] else digits(recipe["rate"] * BATCH),
        "float32": {key: float(f"{value:.2g}") for key, value in errors.items()},
        "cross_entropy": digits(cross),
        "losses": digits(wide["losses"]),
        "logits": digits(logits),
        "evaluated": digits(wide["evaluated"]),
        "parameters": {
            key: {
                "shape": list(value.shape),
                "bits_sum": bits(value),
                **({"gradient": sampled(gradients[key])} if key in gradients else {}),
                "trained": sampled(net.w[key].detach()),
            }
            for key, value in wide["initial"].items()
        },
        # [2, C]: means, then variances.
        "statistics": {key: sampled(torch.stack(pair)) for key, pair in net.running.items()},
    }


def whitening():
    """Filters [2, 2, 3, 24] of five images of 7x6, of the largest variance first; a vector's sign is free."""
    sample = hashed(77, (5, 7, 6, 3), 0.3, 1.5).astype(np.float64)
    patches = np.stack(
        [sample[:, y : y + 2, x : x + 2].reshape(5, 12) for y in range(6) for x in range(5)]
    ).reshape(-1, 12)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    filters = vectors[:, ::-1] / np.sqrt(values[::-1] + 5e-4)
    return {"stream": 77, "shape": [5, 7, 6, 3], "offset": 0.3, "scale": 1.5, "half": digits(filters)}


def main():
    golden = {
        "made_by": f"tests/golden/airbench.py, PyTorch {torch.__version__}, float64",
        "batch": BATCH,
        "bias_steps": BIAS_STEPS,
        "labels": LABELS,
        "whitening": whitening(),
        "networks": {name: golden_of(name) for name in NETWORKS},
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(lines(golden, 4) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
