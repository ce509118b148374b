#!/usr/bin/env python3
"""Trains the reference CNN on the real CIFAR-10 with PyTorch: the curve that kiln is held to.

    /usr/bin/python3 tests/golden/reference_curve.py --steps 2000 --data-dir data/cifar-10-batches-bin

Prints one JSON line at step 0 and every `--every` steps: the mean total loss of the last 100 steps,
and precision @ 1 on all 10,000 test images with the raw weights and with their average. No test
runs it: 2,000 steps take several minutes on two cores. Float32; the net is reference_cnn.py's.

Recipe: batches of 128 from a new permutation each epoch; random 24x24 crop, flip, brightness in
[-63, 63), contrast in [0.2, 1.8) by channel, standardization; plain SGD, rate 0.1 (it first drops
at step 136,718); weight decay 0.004 on local3 and local4; average of the weights with decay
min(0.9999, (1 + step) / (10 + step)).
"""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch

from reference_cnn import PARAMETERS, TENSORS, forward, losses

RATE, DECAY = 0.1, 0.9999
DEVIATION = {"conv1": 0.05, "conv2": 0.05, "local3": 0.04, "local4": 0.04}  # softmax: 1 / 192
BIAS = {"conv2": 0.1, "local3": 0.1, "local4": 0.1}  # the others: 0


def read(path):
    """(uint8 images (N, 3, 32, 32), int64 labels) of a binary batch: label, then R, G, B planes."""
    size = path.stat().st_size
    if size != 30_730_000:
        raise SystemExit(f"error: Cannot read {path} as it has {size} bytes, not 30,730,000")
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def standardize(x):
    """Mean 0 and deviation 1 for each image; the deviation is taken as at least 1 / sqrt(1728)."""
    flat = x.reshape(len(x), -1)
    mean = flat.mean(1, dtype=np.float64).astype(np.float32)
    deviation = np.maximum(flat.std(1, dtype=np.float64), 1 / math.sqrt(flat.shape[1]))
    deviation = deviation.astype(np.float32)
    return (x - mean[:, None, None, None]) / deviation[:, None, None, None]


def augment(images, random):
    """Distorted, standardized float32 (N, 3, 24, 24) of uint8 (N, 3, 32, 32)."""
    n = len(images)
    top, left = random.integers(0, 9, (2, n))
    span = np.arange(24)
    rows, columns = top[:, None] + span, left[:, None] + span
    flip = random.random(n) < 0.5
    columns[flip] = columns[flip, ::-1]
    picked = (np.arange(n)[:, None, None], slice(None), rows[:, :, None], columns[:, None, :])
    x = images[picked].transpose(0, 3, 1, 2).astype(np.float32)  # picked: (N, 24, 24, 3)
    x += random.uniform(-63, 63, (n, 1, 1, 1)).astype(np.float32)
    mean = x.mean((2, 3), keepdims=True)
    x = (x - mean) * random.uniform(0.2, 1.8, (n, 1, 1, 1)).astype(np.float32) + mean
    return standardize(x)


def nhwc(x):
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 3, 1)))


def initial(random):
    """Truncated normal weights: samples beyond two deviations are redrawn."""
    w = {}
    for name in PARAMETERS:
        layer, kind = name.split("/")
        shape = TENSORS[name][1]
        value = np.full(shape, BIAS.get(layer, 0.0))
        if kind == "weights":
            value = random.standard_normal(shape)
            while (outside := np.abs(value) > 2).any():
                value[outside] = random.standard_normal(outside.sum())
            value *= DEVIATION.get(layer, 1 / 192)
        w[name] = torch.tensor(value, dtype=torch.float32, requires_grad=True)
    return w


@torch.no_grad()
def precision(w, images, labels):
    hits = 0
    for start in range(0, len(images), 500):
        logits = forward(images[start : start + 500], w)
        hits += (logits.argmax(1) == labels[start : start + 500]).sum().item()
    return hits / len(images)


def batches(images, labels, size, random):
    """Endless augmented batches; the few images left of a permutation are dropped."""
    while True:
        order = random.permutation(len(images))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield nhwc(augment(images[chosen], random)), torch.from_numpy(labels[chosen])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=pathlib.Path, default="data/cifar-10-batches-bin")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    random = np.random.default_rng(args.seed)

    parts = [read(args.data_dir / f"data_batch_{n}.bin") for n in range(1, 6)]
    train = batches(*(np.concatenate(arrays) for arrays in zip(*parts)), args.batch, random)
    images, labels = read(args.data_dir / "test_batch.bin")
    test = nhwc(standardize(images[:, :, 4:28, 4:28].astype(np.float32))), torch.from_numpy(labels)

    w = initial(random)
    shadow = {name: value.detach().clone() for name, value in w.items()}
    history, start = [], time.perf_counter()
    for step in range(1, args.steps + 1):
        x, y = next(train)
        total = losses(forward(x, w), y, w)[1]
        history.append(total.item())
        if not math.isfinite(history[-1]):
            raise SystemExit(f"error: the loss is {history[-1]} at step {step - 1}")
        if step == 1:
            print(json.dumps({"step": 0, "loss": round(history[0], 4)}), flush=True)
        gradients = torch.autograd.grad(total, list(w.values()))
        with torch.no_grad():
            decay = min(DECAY, (1 + step) / (10 + step))
            for (name, value), gradient in zip(w.items(), gradients):
                value -= RATE * gradient
                shadow[name] -= (1 - decay) * (shadow[name] - value)
        if step % args.every == 0 or step == args.steps:
            line = {
                "step": step,
                "loss": round(float(np.mean(history[-100:])), 4),
                "precision": precision(w, *test),
                "precision_ema": precision(shadow, *test),
                "seconds": round(time.perf_counter() - start, 1),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
