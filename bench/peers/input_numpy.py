"""The reference's input in plain NumPy: reads CIFAR-10's records, crops, flips, brightens, contrasts and
standardizes, batch by batch, on one core. Compare with `deno task bench input`.

    OMP_NUM_THREADS=1 python3 bench/peers/input_numpy.py [folder of data_batch_1.bin]
"""
import sys
import time

import numpy as np

BATCH = 128
FOLDER = sys.argv[1] if len(sys.argv) > 1 else "data/cifar-10-batches-bin"


def image_by_image(records, random):
    """As a loader of examples does it: one image after another."""
    order = random.permutation(len(records))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        batch = np.empty((BATCH, 24, 24, 3), np.float32)
        labels = np.empty(BATCH, np.int64)
        for i, index in enumerate(order[start : start + BATCH]):
            record = records[index]
            labels[i] = record[0]
            image = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
            top, left = random.integers(0, 9, 2)
            image = image[top : top + 24, left : left + 24].astype(np.float32)
            if random.random() < 0.5:
                image = image[:, ::-1]
            image = image + random.uniform(-63, 63)
            mean = image.mean((0, 1))
            image = (image - mean) * random.uniform(0.2, 1.8) + mean
            batch[i] = (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))
        yield batch, labels


def whole_batches(records, random):
    """The same with one call a batch for each stage."""
    order = random.permutation(len(records))
    window = np.arange(24)
    for start in range(0, len(order) - BATCH + 1, BATCH):
        chosen = records[order[start : start + BATCH]]
        images = chosen[:, 1:].reshape(BATCH, 3, 32, 32)
        rows = random.integers(0, 9, (BATCH, 1)) + window
        columns = random.integers(0, 9, (BATCH, 1)) + window
        flips = random.random(BATCH) < 0.5
        columns[flips] = columns[flips, ::-1]
        at = np.arange(BATCH)[:, None, None]
        images = images.transpose(0, 2, 3, 1)[at, rows[:, :, None], columns[:, None, :]].astype(np.float32)
        images += random.uniform(-63, 63, (BATCH, 1, 1, 1)).astype(np.float32)
        mean = images.mean((1, 2), keepdims=True)
        images = (images - mean) * random.uniform(0.2, 1.8, (BATCH, 1, 1, 1)).astype(np.float32) + mean
        mean = images.mean((1, 2, 3), keepdims=True)
        deviation = np.maximum(images.std((1, 2, 3), keepdims=True), 1 / np.sqrt(24 * 24 * 3))
        yield (images - mean) / deviation, chosen[:, 0].astype(np.int64)


records = np.fromfile(f"{FOLDER}/data_batch_1.bin", np.uint8).reshape(-1, 3073)
for loader in (image_by_image, whole_batches):
    random = np.random.default_rng(0)
    best = 0.0
    for _ in range(3):
        begin = time.perf_counter()
        images = sum(len(labels) for _, labels in loader(records, random))
        best = max(best, images / (time.perf_counter() - begin))
    print(f"{loader.__name__}: {best:.0f} images/s (best of 3 epochs of 10,000)")
