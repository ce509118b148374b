#!/usr/bin/env python3
"""Prints a run of kiln beside PyTorch's of the same recipe, as a table in Markdown.

    deno task train --model resnet-20 --steps 300 --seed 1 --log-every 1 --run-dir runs/resnet-20-300
    /usr/bin/python3 tests/golden/recipe_curves.py --model resnet-20 --seed 1 > runs/resnet-20-pytorch-1.jsonl
    python3 tests/golden/compare_curves.py kiln=runs/resnet-20-300 PyTorch=runs/resnet-20-pytorch-1.jsonl

Each argument is a column: its title, and a run's folder of kiln or the lines of recipe_curves.py. kiln must have
logged every step. Rows are the mean total loss of windows of 50 steps, then the cross-entropy of the last of them
and the precision @ 1 on the test images with the weights as trained.
"""

import argparse
import json
import pathlib

LAST = "cross-entropy of the last"


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def kiln(folder, every):
    lines = records(folder / "metrics.jsonl")
    steps = [line for line in lines if line["kind"] == "train"]
    if [line["step"] for line in steps] != list(range(len(steps))):
        raise SystemExit(f"error: {folder} lacks steps: train with --log-every 1")
    column = {"step 0": steps[0]["loss"]}
    for start in range(0, len(steps), every):
        window = steps[start : start + every]
        column[f"{start}–{start + len(window) - 1}"] = mean(window, "loss")
    column[LAST] = mean(window, "cross_entropy")
    measured = [line for line in lines if line["kind"] == "eval" and line["step"] == len(steps)]
    column["precision @ 1"] = measured[-1]["precision"]
    return column


def mean(lines, key):
    return sum(line[key] for line in lines) / len(lines)


def pytorch(path):
    lines, column, start = records(path), {}, 0
    for line in lines:
        if line["step"] == 0:
            column["step 0"] = line["loss"]
            continue
        column[f"{start}–{line['step'] - 1}"] = line["loss"]
        start = line["step"]
    column[LAST] = lines[-1]["cross_entropy"]
    column["precision @ 1"] = lines[-1]["precision"]
    return column


def main():
    parser = argparse.ArgumentParser(description="kiln's losses beside PyTorch's, as Markdown")
    parser.add_argument("columns", nargs="+", metavar="TITLE=PATH")
    parser.add_argument("--every", type=int, default=50)
    args = parser.parse_args()
    columns = {}
    for text in args.columns:
        title, _, path = text.rpartition("=")
        path = pathlib.Path(path)
        columns[title] = kiln(path, args.every) if path.is_dir() else pytorch(path)
    print(f"| steps | {' | '.join(columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    for row in next(iter(columns.values())):
        places = 4 if row == "precision @ 1" else 3
        cells = (f"{column[row]:.{places}f}" if row in column else "–" for column in columns.values())
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
