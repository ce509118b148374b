#!/usr/bin/env python3
"""Golden values of the evaluation's metrics: writes metrics.json beside this file.

    /usr/bin/python3 tests/golden/metrics.py             (Debian: apt install python3-torch)

Each case: the logits of some images in float32, [images][classes], and their labels. What is made
of them in float64, with PyTorch and NumPy, by other means than kiln's:

- loss: torch's cross_entropy. precision and precision5: by sorting, a tie decided for the label;
  precision5 is null with fewer than five classes.
- confusion, [true][predicted]: numpy's histogram2d. precisions and recalls: its columns and rows;
  null where nothing is to be divided.
- calibration_error and bins (low, high, images, confidence, precision): masks low < confidence <= high.
- mistakes: image, label, predicted, probability; most confident first, of equal ones the first image.

The case "views" has several logits for each image, [views][images][classes], whose probabilities are
averaged first.
"""

import json
import pathlib

import numpy
import torch

BINS = 15
MISTAKES = 5


def scores_of(generator, shape, step):
    """Logits on a grid, so that there are ties and JSON holds them exactly."""
    values = torch.randn(shape, generator=generator, dtype=torch.float64) * 2
    return (values / step).round() * step


def measure(scores, probabilities, labels, loss):
    images, classes = scores.shape
    scores, probabilities = scores.numpy(), probabilities.numpy()
    own = scores[numpy.arange(images), labels]
    # The place of the label if it stands before all that share its score.
    place = (numpy.sort(scores, axis=1)[:, ::-1] > own[:, None]).sum(axis=1)
    predicted = numpy.where(place == 0, labels, scores.argmax(axis=1))
    confidence = probabilities[numpy.arange(images), predicted]
    right = predicted == labels
    edges = numpy.arange(classes + 1) - 0.5
    confusion = numpy.histogram2d(labels, predicted, bins=(edges, edges))[0].astype(int)

    def shares(sums):
        return [None if s == 0 else float(d / s) for d, s in zip(numpy.diag(confusion), sums)]

    bins, error = [], 0.0
    for b in range(BINS):
        low, high = b / BINS, (b + 1) / BINS
        inside = (confidence > low) & (confidence <= high)
        count = int(inside.sum())
        if count == 0:
            bins.append([low, high, 0, None, None])
            continue
        mean, precision = float(confidence[inside].mean()), float(right[inside].mean())
        bins.append([low, high, count, mean, precision])
        error += count / images * abs(precision - mean)
    wrong = numpy.flatnonzero(~right)
    # Rounded, so that what differs by rounding alone counts as equal: the first image comes first.
    worst = wrong[numpy.argsort(-confidence[wrong].round(9), kind="stable")][:MISTAKES]
    return {
        "precision": float((place < 1).mean()),
        "precision5": float((place < 5).mean()) if classes >= 5 else None,
        "loss": float(loss),
        "confusion": confusion.tolist(),
        "precisions": shares(confusion.sum(axis=0)),
        "recalls": shares(confusion.sum(axis=1)),
        "calibration_error": error,
        "bins": bins,
        "mistakes": [
            [int(i), int(labels[i]), int(predicted[i]), float(confidence[i])] for i in worst
        ],
    }


def case(name, seed, images, classes, step, unseen=0):
    generator = torch.Generator().manual_seed(seed)
    logits = scores_of(generator, (images, classes), step)
    labels = torch.randint(classes - unseen, (images,), generator=generator)
    # Some images know their label, or most would be wrong.
    logits[torch.arange(images), labels] += torch.randint(4, (images,), generator=generator)
    logits = logits.float().double()
    loss = torch.nn.functional.cross_entropy(logits, labels)
    found = measure(logits, torch.softmax(logits, 1), labels.numpy(), loss)
    return {"name": name, "labels": labels.tolist(), "logits": logits.tolist(), **found}


def views_case(seed, views, images, classes):
    generator = torch.Generator().manual_seed(seed)
    logits = scores_of(generator, (views, images, classes), 0.125)
    labels = torch.randint(classes, (images,), generator=generator)
    mean = torch.softmax(logits, 2).mean(0)
    loss = torch.nn.functional.nll_loss(mean.log(), labels)
    found = measure(mean, mean, labels.numpy(), loss)
    return {"name": "views", "labels": labels.tolist(), "logits": logits.tolist(), **found}


golden = {
    "made_by": f"PyTorch {torch.__version__}, NumPy {numpy.__version__}",
    "cases": [
        case("ten classes", 1, 60, 10, 0.25),
        case("ties", 2, 40, 6, 2.0),
        case("four classes", 3, 30, 4, 0.25),
        case("a class without images", 4, 30, 7, 0.5, unseen=1),
        case("sure and wrong", 5, 20, 5, 16.0),
    ],
    "views": views_case(6, 10, 12, 6),
}
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
