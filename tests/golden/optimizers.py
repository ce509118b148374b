#!/usr/bin/env python3
"""Golden values of schedules, optimizers and losses, from PyTorch: writes optimizers.json beside this file.

    /usr/bin/python3 tests/golden/optimizers.py          (Debian: apt install python3-torch)

Everything is float64, from float32 parameters and inputs, with 9 significant digits.

The runs train a small net without kinks, so that float32's rounding takes no other way: images
[3, 3, 3] flattened, 8 hidden units with tanh, 5 classes. Parameters and images are not stored; with
the numbers of `reference_cnn.py`'s recipe, which `optimizers_fixture.ts` repeats,

    value = float32(offset + scale * u)               of stream and index

Micro-batch k (from 0) has the images of stream 100 + k and the labels (3 n + k + 1) mod 5 of its images
n. A run's losses are before each step and include the weight decay's where it is part of the loss;
gradient norms are before clipping.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

from reference_cnn import digits, hashed

BATCH, CLASSES, STEPS = 6, 5, 10
# name: (stream, shape, offset, scale); of the hidden weights alone the decay is on.
PARAMETERS = {
    "hidden/weights": (1, (27, 8), 0.0, 0.5),
    "hidden/biases": (2, (8,), 0.1, 0.2),
    "output/weights": (3, (8, CLASSES), 0.0, 0.9),
    "output/biases": (4, (CLASSES,), 0.0, 0.3),
}
DECAYED = ["hidden/weights"]
WEIGHTS = [0.5, 2.0, 1.0, 1.25, 0.75]

SGD = {"optimizer": "sgd", "learningRate": 0.2, "weightDecay": 0.05}
MOMENTUM = {"optimizer": "momentum", "momentum": 0.8, "learningRate": 0.05, "weightDecay": 0.05}
ADAMW = {
    "optimizer": "adamw",
    "beta1": 0.85,
    "beta2": 0.98,
    "epsilon": 1e-4,
    "learningRate": 0.02,
    "weightDecay": 0.3,
}
# What of a recipe differs from the reference's, and the own share of mixed labels.
RUNS = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": {**MOMENTUM, "optimizer": "nesterov"},
    "adamw": ADAMW,
    "adamw of torch's defaults": {"optimizer": "adamw", "learningRate": 0.01, "weightDecay": 0.01},
    "clipped sgd": {**SGD, "clipNorm": 1.5},
    "clipped adamw": {**ADAMW, "clipNorm": 1.5},
    "smoothed and weighted": {**SGD, "labelSmoothing": 0.15, "classWeights": WEIGHTS},
    "mixed, smoothed and weighted": {
        **SGD,
        "labelSmoothing": 0.15,
        "classWeights": WEIGHTS,
        "share": 0.625,
    },
    "accumulated nesterov": {**MOMENTUM, "optimizer": "nesterov", "accumulate": 3},
    "accumulated, clipped and weighted": {
        **MOMENTUM,
        "accumulate": 2,
        "clipNorm": 1.2,
        "classWeights": WEIGHTS,
    },
    "warmed up to a cosine": {**SGD, "schedule": "cosine", "warmupSteps": 4, "totalSteps": STEPS},
}


def generate(stream, shape, offset, scale):
    return torch.tensor(hashed(stream, shape, offset, scale), dtype=torch.float64)


def micro_batch(k):
    images = generate(100 + k, (BATCH, 27), 0.0, 1.5)
    return images, torch.tensor([(3 * n + k + 1) % CLASSES for n in range(BATCH)])


def make_optimizer(w, run, decay_outside):
    """torch's own optimizer; weight decay in it where it is not in the loss."""
    decay = run["weightDecay"] if decay_outside else 0.0
    groups = [
        {"params": [w[name] for name in w if (name in DECAYED) == decayed], "weight_decay": part}
        for decayed, part in ((True, decay), (False, 0.0))
    ]
    rate = run["learningRate"]
    if run["optimizer"] == "adamw":
        betas = (run.get("beta1", 0.9), run.get("beta2", 0.999))
        return torch.optim.AdamW(groups, rate, betas, run.get("epsilon", 1e-8))
    momentum = run.get("momentum", 0.0) if run["optimizer"] != "sgd" else 0.0
    nesterov = run["optimizer"] == "nesterov"
    return torch.optim.SGD(groups, rate, momentum, nesterov=nesterov)


def train(run, decay_outside):
    w = {name: generate(*recipe).requires_grad_() for name, recipe in PARAMETERS.items()}
    optimizer = make_optimizer(w, run, decay_outside)
    schedule = None
    if run.get("schedule") == "cosine":
        warmup = run["warmupSteps"]
        schedule = lr_scheduler.ChainedScheduler([
            lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1),
            lr_scheduler.CosineAnnealingLR(optimizer, run["totalSteps"]),
        ])
    weights = run.get("classWeights")
    weights = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    accumulate = run.get("accumulate", 1)
    share = run.get("share", 1.0)
    losses, norms = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        total = 0.0
        for part in range(accumulate):
            images, labels = micro_batch(step * accumulate + part)
            hidden = torch.tanh(images @ w["hidden/weights"] + w["hidden/biases"])
            logits = hidden @ w["output/weights"] + w["output/biases"]

            def loss_of(labels):
                smoothing = run.get("labelSmoothing", 0.0)
                return F.cross_entropy(logits, labels, weights, label_smoothing=smoothing)

            loss = share * loss_of(labels) + (1 - share) * loss_of(labels.flip(0))
            if not decay_outside:
                for name in DECAYED:
                    loss = loss + run["weightDecay"] * w[name].square().sum() / 2
            (loss / accumulate).backward()
            total += loss.item() / accumulate
        limit = run.get("clipNorm", math.inf)
        norms.append(torch.nn.utils.clip_grad_norm_(list(w.values()), limit).item())
        losses.append(total)
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return losses, norms, torch.cat([v.detach().flatten() for v in w.values()])


def golden_run(run):
    adamw = run["optimizer"] == "adamw"
    losses, norms, parameters = train(run, decay_outside=adamw)
    if not adamw and "clipNorm" not in run:
        # SGD's own weight decay is the L2 loss's gradient.
        assert torch.allclose(parameters, train(run, decay_outside=True)[2], rtol=1e-12, atol=1e-14)
    clipped = sum(norm > run.get("clipNorm", math.inf) for norm in norms)
    return {
        "recipe": {name: value for name, value in run.items() if name != "share"},
        "share": run.get("share", 1.0),
        "clipped": clipped,
        "losses": digits(losses),
        "gradient_norms": digits(norms),
        "parameters": digits(parameters),
    }


def rates(make, steps, rate=0.4):
    """The learning rates of a scheduler, one a step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return digits(found)


def schedules():
    s = lr_scheduler
    constants = {"initial": 0.4, "factor": 0.3, "decaySteps": 4, "milestones": [], "final": 0.0}
    constants |= {"totalSteps": 20, "warmupSteps": 0}

    def case(name, make, **changed):
        steps = 24 if name in ("step", "exponential") else 20
        return {"name": name, "schedule": {**constants, **changed}, "rates": rates(make, steps)}

    def warmed(make):
        warmup = lambda o: s.LinearLR(o, 1 / 6, 1.0, 5)
        return lambda o: s.ChainedScheduler([warmup(o), make(o)])

    exponential = lambda o: s.ExponentialLR(o, 0.3 ** (1 / 4))
    linear = lambda o: s.LinearLR(o, 1.0, 0.05 / 0.4, 20)
    return [
        case("step", lambda o: s.StepLR(o, 4, 0.3)),
        case("step", lambda o: s.MultiStepLR(o, [3, 5, 17], 0.3), milestones=[3, 5, 17]),
        case("exponential", exponential),
        case("cosine", lambda o: s.CosineAnnealingLR(o, 20)),
        case("cosine", lambda o: s.CosineAnnealingLR(o, 20, 0.05), final=0.05),
        case("linear", linear, final=0.05),
        case("constant", lambda o: s.LambdaLR(o, lambda step: 1.0)),
        case("exponential", warmed(exponential), warmupSteps=6),
        case("cosine", warmed(lambda o: s.CosineAnnealingLR(o, 20)), warmupSteps=6),
        case("step", warmed(lambda o: s.StepLR(o, 4, 0.3)), warmupSteps=6),
    ]


def plateau():
    """The rate after each evaluation's precision; ties are no improvement."""
    precisions = [0.3, 0.4, 0.4, 0.39, 0.4, 0.41, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.42, 0.42, 0.42]
    cases = []
    for patience in (0, 2):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.4)
        scheduler = lr_scheduler.ReduceLROnPlateau(
            optimizer, "max", 0.5, patience, threshold=0.0, eps=0.0
        )
        found = []
        for precision in precisions:
            scheduler.step(precision)
            found.append(optimizer.param_groups[0]["lr"])
        case = {"patience": patience, "factor": 0.5, "initial": 0.4, "precisions": precisions}
        cases.append({**case, "rates": digits(found)})
    return cases


def cross_entropies():
    random = np.random.RandomState(5)
    logits = torch.tensor(random.randint(-256, 256, (7, CLASSES)) / 64.0, dtype=torch.float64)
    labels = torch.tensor(random.randint(0, CLASSES, 7))
    cases = []
    for weights, smoothing in ((WEIGHTS, 0.0), (None, 0.1), (WEIGHTS, 0.25), (None, 0.0)):
        z = logits.clone().requires_grad_()
        w = None if weights is None else torch.tensor(weights, dtype=torch.float64)
        loss = F.cross_entropy(z, labels, w, label_smoothing=smoothing)
        loss.backward()
        cases.append({
            "classWeights": weights,
            "labelSmoothing": smoothing,
            "loss": digits(loss.item()),
            "gradient": digits(z.grad),
        })
    return {"logits": digits(logits), "labels": labels.tolist(), "cases": cases}


def lines(value, depth=0):
    """JSON with a line for each entry down to depth 2."""
    if depth > 2 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value)
    if isinstance(value, list) and not isinstance(value[0], dict):
        return json.dumps(value)
    pad = "  " * (depth + 1)
    if isinstance(value, list):
        body = [lines(v, depth + 1) for v in value]
    else:
        body = [f"{json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items()]
    start, end = "[]" if isinstance(value, list) else "{}"
    return start + "\n" + pad + (",\n" + pad).join(body) + "\n" + "  " * depth + end


def main():
    runs = {name: golden_run(run) for name, run in RUNS.items()}
    golden = {
        "made_by": f"tests/golden/optimizers.py, PyTorch {torch.__version__}, float64",
        "schedules": schedules(),
        "plateaus": plateau(),
        "cross_entropies": cross_entropies(),
        "batch": BATCH,
        "runs": runs,
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(lines(golden) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
    for name, run in runs.items():
        print(f"{name}: loss {run['losses'][0]} to {run['losses'][-1]}, clipped {run['clipped']} times")


if __name__ == "__main__":
    main()
