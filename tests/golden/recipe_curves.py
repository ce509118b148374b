#!/usr/bin/env python3
"""Trains one of kiln's models by its recipe on the real CIFAR-10 with PyTorch: the curve that kiln is held to.

    /usr/bin/python3 tests/golden/recipe_curves.py --model resnet-20 --steps 300 --seed 1 --threads 1

Prints one JSON line at step 0 and every `--every` steps: the mean total loss (cross-entropy and weight decay) and
the mean cross-entropy of the last `--every` steps; the last line has the precision @ 1 on all 10,000 test images,
one view of each, with the weights as trained. No test runs it. Float32; the nets are those of recipe_nets.py and
airbench_nets.py. Numbers are drawn otherwise than by kiln, so that curves agree as those of two seeds do.

`--steps` scales the schedules of airbench94 and airbench94-muon. Those of the others keep to their first rate for
thousands of steps; it is all that is written here.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F

import airbench_nets
import recipe_nets
from reference_curve import read, standardize


@dataclasses.dataclass
class Recipe:
    batch: int = 128
    side: int = 32
    pad: int = 0
    pad_mode: str = "constant"  # black, or "reflect"
    flip: str = "random"  # "alternating": by a coin in the first epoch, then the other way each time; "none"
    normalize: str = "image"  # "channel"; "pixel": less the training set's mean image
    smoothing: float = 0.0


CONVNET = {"normalize": "pixel", "flip": "none"}
AIRBENCH = {
    "pad": 2,
    "pad_mode": "reflect",
    "flip": "alternating",
    "normalize": "channel",
    "smoothing": 0.2,
}
RECIPES = {
    "resnet-20": Recipe(pad=2),
    "resnet-32": Recipe(pad=2),
    "resnet-20-bottleneck": Recipe(pad=2),
    "resnet-v1-20": Recipe(pad=4),
    "wrn-28-10": Recipe(pad=2, batch=64),
    "cuda-convnet-80sec": Recipe(**CONVNET),
    "cuda-convnet-19pct": Recipe(**CONVNET),
    "cuda-convnet-18pct": Recipe(**CONVNET),
    "cuda-convnet-local-13pct": Recipe(normalize="pixel"),
    "cuda-convnet-local-11pct": Recipe(normalize="pixel", side=24),
    "airbench94": Recipe(batch=1024, **AIRBENCH),
    "airbench94-muon": Recipe(batch=2000, **AIRBENCH),
}


class Images:
    """Makes the input of bytes (N, 3, 32, 32)."""

    def __init__(self, recipe, training):
        self.recipe = recipe
        # What is not of each image by itself, of the whole training set.
        axes = {"image": None, "channel": (0, 2, 3), "pixel": 0}[recipe.normalize]
        self.mean, self.deviation = np.float32(0), np.float32(1)
        if axes is not None:
            self.mean = training.mean(axes, dtype=np.float64, keepdims=True).astype(np.float32)
        if recipe.normalize == "channel":
            self.deviation = training.std(axes, dtype=np.float64, keepdims=True).astype(np.float32)

    def scaled(self, images):
        return (images.astype(np.float32) - self.mean) / self.deviation

    def finished(self, crops):
        return torch.from_numpy(standardize(crops) if self.recipe.normalize == "image" else crops)

    def augmented(self, images, flip, random):
        n, side, pad = len(images), self.recipe.side, self.recipe.pad
        edges = ((0, 0), (0, 0), (pad, pad), (pad, pad))
        padded = np.pad(self.scaled(images), edges, self.recipe.pad_mode)
        top, left = random.integers(0, padded.shape[2] - side + 1, (2, n))
        rows, columns = top[:, None] + np.arange(side), left[:, None] + np.arange(side)
        columns[flip] = columns[flip, ::-1]
        picked = (np.arange(n)[:, None, None], slice(None), rows[:, :, None], columns[:, None, :])
        # NCHW by its strides alone: what lies in memory is NHWC, which PyTorch's kernels are faster with.
        return self.finished(padded[picked].transpose(0, 3, 1, 2))

    def central(self, images):
        start = (32 - self.recipe.side) // 2
        span = slice(start, start + self.recipe.side)
        crops = self.scaled(images)[:, :, span, span].transpose(0, 2, 3, 1)
        return self.finished(np.ascontiguousarray(crops).transpose(0, 3, 1, 2))


def batches(images, labels, make, size, random):
    """Endless (epoch, images, labels); the few images left of a permutation are dropped."""
    coins = random.random(len(images)) < 0.5
    epoch = 0
    while True:
        order = random.permutation(len(images))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            flip = {
                "none": np.zeros(size, bool),
                "random": random.random(size) < 0.5,
                "alternating": coins[chosen] ^ (epoch % 2 == 1),
            }[make.recipe.flip]
            x = make.augmented(images[chosen], flip, random)
            yield epoch, x, torch.from_numpy(labels[chosen])
        epoch += 1


class Momentum:
    """v = 0.9 v + g;  w -= rate v, of the first rate of each parameter."""

    def __init__(self, net):
        groups = [{"params": [w], "lr": net.rates[name]} for name, w in net.w.items()]
        self.optimizer = torch.optim.SGD(groups, 0.0, momentum=0.9)

    def update(self, step, epoch):
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def finish(self):
        pass


def weight_loss(net):
    """Its gradient is decay w."""
    return sum(decay * net.w[name].square().sum() / 2 for name, decay in net.decays.items() if decay)


@torch.no_grad()
def precision(net, images, labels):
    net.training = False
    hits = 0
    for start in range(0, len(images), 500):
        logits = net(images[start : start + 500])
        hits += (logits.argmax(1) == labels[start : start + 500]).sum().item()
    net.training = True
    return hits / len(images)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=RECIPES, required=True)
    parser.add_argument("--data-dir", type=pathlib.Path, default="data/cifar-10-batches-bin")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--batch", type=int, help="default: the recipe's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    random = np.random.default_rng(args.seed)
    recipe = RECIPES[args.model]
    size = args.batch or recipe.batch

    parts = [read(args.data_dir / f"data_batch_{n}.bin") for n in range(1, 6)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts))
    make = Images(recipe, images)
    train = batches(images, labels, make, size, random)
    test_images, test_labels = read(args.data_dir / "test_batch.bin")
    test = make.central(test_images), torch.from_numpy(test_labels)

    if args.model in airbench_nets.NETS:
        first = torch.from_numpy(make.scaled(images[:5000]))
        net = airbench_nets.NETS[args.model](random, first, args.steps, size)
        optimizer = net
    else:
        net = recipe_nets.NETS[args.model](random)
        optimizer = Momentum(net)
    history, start = [], time.perf_counter()
    for step in range(args.steps):
        epoch, x, y = next(train)
        cross_entropy = F.cross_entropy(net(x), y, label_smoothing=recipe.smoothing)
        total = cross_entropy + weight_loss(net)
        history.append((total.item(), cross_entropy.item()))
        if not math.isfinite(history[-1][0]):
            raise SystemExit(f"error: the loss is {history[-1][0]} at step {step}")
        total.backward()
        optimizer.update(step, epoch)
        done = step + 1
        if step > 0 and done % args.every > 0 and done < args.steps:
            continue
        loss, entropy = np.mean(history[-args.every :], axis=0)
        line = {"step": step and done, "loss": round(loss, 4), "cross_entropy": round(entropy, 4)}
        if done == args.steps:
            optimizer.finish()
            line["precision"] = precision(net, *test)
        line["seconds"] = round(time.perf_counter() - start, 1)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
