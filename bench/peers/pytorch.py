#!/usr/bin/env python3
"""The reference CNN's training step in PyTorch on the CPU; prints one JSON line.

    /usr/bin/python3 bench/peers/pytorch.py [--batch 128] [--steps 5] [--seconds 60] [--threads 2]
        [--variant plain|channels-last|tricks]

plain is as one would write it; channels-last is the same with images and filters in that memory
format; tricks is channels-last with the normalization's window sum as a 1x1 convolution with a
banded matrix, and its power through square roots. Forward, loss, backward and the SGD update; no average of the weights. Batch and initial parameters
are those of common.ts.
"""

import argparse
import json
import math
import os
import resource
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

PARAMETERS = {  # name: (shape, standard deviation or None, constant)
    "conv1/weights": ((5, 5, 3, 64), 0.05, 0.0),
    "conv1/biases": ((64,), None, 0.0),
    "conv2/weights": ((5, 5, 64, 64), 0.05, 0.0),
    "conv2/biases": ((64,), None, 0.1),
    "local3/weights": ((2304, 384), 0.04, 0.0),
    "local3/biases": ((384,), None, 0.1),
    "local4/weights": ((384, 192), 0.04, 0.0),
    "local4/biases": ((192,), None, 0.1),
    "softmax_linear/weights": ((192, 10), 1 / 192, 0.0),
    "softmax_linear/biases": ((10,), None, 0.0),
}


def uniform(stream, counters):
    x = counters + np.uint32((stream << 22) % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x.astype(np.float64) + 0.5) / 2.0**32


def normals(stream, count, limit=math.inf):
    counters = np.arange(count + count // 10 + 1000, dtype=np.uint32)
    radius = np.sqrt(-2 * np.log(uniform(2 * stream, counters)))
    z = radius * np.cos(2 * np.pi * uniform(2 * stream + 1, counters))
    return z[np.abs(z) <= limit][:count].astype(np.float32)


def blas():
    """The file of the BLAS that is loaded: PyTorch's speed hangs on it."""
    with open("/proc/self/maps") as maps:
        files = {os.path.realpath(line.split()[-1]) for line in maps if "blas" in line}
    names = sorted(os.path.join(*file.split("/")[-2:]) for file in files)
    return ", ".join(names) if names else "PyTorch's own"


def initial(stream, shape, deviation, constant):
    if deviation is None:
        return np.full(shape, constant, np.float32)
    return (normals(stream, math.prod(shape), 2) * np.float32(deviation)).reshape(shape)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--variant", choices=["plain", "channels-last", "tricks"], default="plain"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plain = args.variant == "plain"
    layout = torch.contiguous_format if plain else torch.channels_last

    w = {}
    for n, (name, parameter) in enumerate(PARAMETERS.items()):
        value = torch.tensor(initial(1 + n, *parameter))
        if value.dim() == 4:
            value = value.permute(3, 2, 0, 1).contiguous(memory_format=layout)
        if name == "local3/weights":  # rows in H, W, C order, here for a C, H, W flatten
            value = value.reshape(6, 6, 64, 384).permute(2, 0, 1, 3).reshape(2304, 384).contiguous()
        w[name] = value.requires_grad_()
    images = normals(0, args.batch * 24 * 24 * 3).reshape(args.batch, 24, 24, 3)
    images = torch.tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    labels = torch.arange(args.batch) * 3 % 10

    channels = torch.arange(64)
    band = ((channels[:, None] - channels[None, :]).abs() <= 4).float().view(64, 64, 1, 1)

    def norm(x):
        if args.variant == "tricks":
            r = (1 + 0.001 / 9 * F.conv2d(x * x, band)).rsqrt()
            return x * (r * r.sqrt())
        return F.local_response_norm(x, size=9, alpha=0.001, beta=0.75, k=1.0)

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def dense(x, name):
        return x @ w[name + "/weights"] + w[name + "/biases"]

    def step():
        x = F.conv2d(images, w["conv1/weights"], w["conv1/biases"], padding=2)
        x = norm(pool(F.relu(x)))
        x = F.conv2d(x, w["conv2/weights"], w["conv2/biases"], padding=2)
        x = pool(norm(F.relu(x))).flatten(1)
        x = F.relu(dense(F.relu(dense(x, "local3")), "local4"))
        loss = F.cross_entropy(dense(x, "softmax_linear"), labels)
        for name in ("local3/weights", "local4/weights"):
            loss = loss + 0.004 / 2 * w[name].square().sum()
        loss.backward()
        with torch.no_grad():
            for value in w.values():
                value -= 0.1 * value.grad
                value.grad = None
        return loss.item()

    times, losses = [], []
    while len(times) <= args.steps and sum(times[1:]) < args.seconds:
        start = time.perf_counter()
        losses.append(step())
        times.append(time.perf_counter() - start)
        if len(times) == 1:
            first_step_at = time.time() * 1000
    median = statistics.median(times[1:])
    result = {
        "peer": "PyTorch" if plain else f"PyTorch, {args.variant}",
        "version": torch.__version__,
        "backend": f"cpu, {torch.get_num_threads()} threads",
        "batch": args.batch,
        "steps": len(times) - 1,
        "first_step_s": round(times[0], 3),
        "first_step_at": round(first_step_at),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "step_s_median": float(f"{median:.4g}"),
        "images_per_s": float(f"{args.batch / median:.4g}"),
        "loss_first": round(losses[0], 5),
        "loss_last": round(losses[-1], 5),
        "note": f"BLAS: {blas()}; no weight average",
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
