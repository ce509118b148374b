#!/usr/bin/env python3
"""A net's training step in PyTorch on the CPU; prints one JSON line.

    /usr/bin/python3 bench/peers/pytorch.py [--net reference|resnet-20|airbench94] [--batch 128]
        [--steps 5] [--seconds 60] [--threads 2] [--variant plain|channels-last|tricks]

plain is as one would write it; channels-last is the same with images and filters in that memory
format; tricks, of the reference net alone, is channels-last with the normalization's window sum as
a 1x1 convolution with a banded matrix, and its power through square roots. Forward, loss, backward
and the update; no average of the weights. Batch and initial parameters are those of numbers.ts.
OMP_WAIT_POLICY is PASSIVE unless it is set.
"""

import argparse
import importlib
import json
import os
import resource
import statistics
import time

# Read when PyTorch is loaded. Where other programs run too, threads that spin at the end of each op
# wait for one that is kept off its core: two to twenty times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch  # noqa: E402

NETS = {  # name: (module with a make_step, images of a batch)
    "reference": ("pytorch_reference", 128),
    "resnet-20": ("pytorch_resnet20", 32),
    "airbench94": ("pytorch_airbench94", 16),
}


def blas():
    """The file of the BLAS that is loaded: PyTorch's speed hangs on it."""
    with open("/proc/self/maps") as maps:
        files = {os.path.realpath(line.split()[-1]) for line in maps if "blas" in line}
    names = sorted(os.path.join(*file.split("/")[-2:]) for file in files)
    return ", ".join(names) if names else "PyTorch's own"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", choices=list(NETS), default="reference")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--variant", choices=["plain", "channels-last", "tricks"], default="plain"
    )
    args = parser.parse_args()
    module, default_batch = NETS[args.net]
    batch = args.batch or default_batch
    torch.set_num_threads(args.threads)
    plain = args.variant == "plain"
    layout = torch.contiguous_format if plain else torch.channels_last
    step = importlib.import_module(module).make_step(batch, layout, args.variant)

    times, losses = [], []
    while len(times) <= args.steps and sum(times[1:]) < args.seconds:
        start = time.perf_counter()
        losses.append(step())
        times.append(time.perf_counter() - start)
        if len(times) == 1:
            first_step_at = time.time() * 1000
    median = statistics.median(times[1:])
    losses = [round(loss, 5) for loss in losses]
    result = {
        "peer": "PyTorch" if plain else f"PyTorch, {args.variant}",
        "version": torch.__version__,
        "backend": f"cpu, {torch.get_num_threads()} threads",
        "batch": batch,
        "steps": len(times) - 1,
        "first_step_s": round(times[0], 3),
        "first_step_at": round(first_step_at),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "step_s_median": float(f"{median:.4g}"),
        "images_per_s": float(f"{batch / median:.4g}"),
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "losses": losses,
        "note": f"BLAS: {blas()}; OMP_WAIT_POLICY={os.environ['OMP_WAIT_POLICY']}; no weight average",
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
