#!/usr/bin/env python3
"""Golden values of the augmentation and its random numbers: writes augment.json beside this file.

    /usr/bin/python3 tests/golden/augment.py             (Debian: apt install python3-torch)

- hue: colors of 0 to 255 whose hue is turned, by the standard library's colorsys in float64:
  [red, green, blue, turns, red, green, blue].
- draws: the numbers of the reference recipe (crop 24 of 32, flip, brightness 63, contrast 0.8) from
  Threefry-4x32-20, written once more from its publication: key (seed low, seed high, stream 3, 0),
  counter (epoch, image index, block, 0).
  [seed, epoch, index, top, left, flip, brightness, contrast]
- gamma: [shape, x, P(X <= x)], by PyTorch's regularized incomplete gamma function.
- beta: [a, b, x, P(X <= x)], by the power series of the incomplete beta function.
"""

import colorsys
import json
import math
import pathlib
import random

import torch

MASK = 0xFFFFFFFF
# R_32x4 of Random123: rotations of the two words that each round mixes.
ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
AUGMENT_STREAM = 3


def rotate(word, by):
    return ((word << by) | (word >> (32 - by))) & MASK


def threefry(key, counter):
    keys = list(key) + [0x1BD11BDA ^ key[0] ^ key[1] ^ key[2] ^ key[3]]
    x = [(c + k) & MASK for c, k in zip(counter, key)]
    for r in range(20):
        pairs = ((0, 1), (2, 3)) if r % 2 == 0 else ((0, 3), (2, 1))
        for (first, second), by in zip(pairs, ROTATIONS[r % 8]):
            x[first] = (x[first] + x[second]) & MASK
            x[second] = rotate(x[second], by) ^ x[first]
        if r % 4 == 3:
            step = (r + 1) // 4
            for i in range(4):
                x[i] = (x[i] + keys[(step + i) % 5] + (step if i == 3 else 0)) & MASK
    return x


def words(seed, stream, a, b):
    block = 0
    while True:
        yield from threefry((seed & MASK, seed >> 32, stream, 0), (a, b, block, 0))
        block += 1


def draw(seed, epoch, index):
    stream = words(seed, AUGMENT_STREAM, epoch, index)

    def integer(n):
        word = next(stream)
        while word >= 2**32 - 2**32 % n:
            word = next(stream)
        return word % n

    def uniform():
        return (next(stream) >> 8) / 2**24

    top, left, flip = integer(9), integer(9), int(uniform() < 0.5)
    return [seed, epoch, index, top, left, flip, (2 * uniform() - 1) * 63, 0.2 + 1.6 * uniform()]


def turned(red, green, blue, turns):
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    after = colorsys.hsv_to_rgb((hue + turns) % 1.0, saturation, value)
    return [red, green, blue, turns] + [round(255 * channel, 9) for channel in after]


def gamma_below(shape, x):
    shape, x = torch.tensor([shape, x], dtype=torch.float64)
    return float(torch.special.gammainc(shape, x))


def beta_below(a, b, x):
    """I_x(a, b) = x^a / B(a, b) sum_n (1 - b)_n x^n / (n! (a + n))"""
    if x > 0.5:
        return 1 - beta_below(b, a, 1 - x)
    total, term = 0.0, 1.0
    for n in range(200):
        total += term / (a + n)
        term *= (n + 1 - b) * x / (n + 1)
    return x**a * total * math.gamma(a + b) / (math.gamma(a) * math.gamma(b))


def main():
    random.seed(20)
    primaries = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)]
    grays = [(0, 0, 0), (77, 77, 77), (255, 255, 255)]
    ties = [(9, 9, 200), (200, 9, 9), (9, 200, 9), (200, 200, 9), (9, 200, 200), (200, 9, 200)]
    colors = primaries + grays + ties
    colors += [tuple(random.randrange(256) for _ in range(3)) for _ in range(25)]
    turns = [0.0, 1 / 6, -1 / 6, 0.5, -0.5, 0.25, 0.1, -0.03125, 0.4375, 0.75, -1.25]
    hue = [turned(*color, turns[i % len(turns)]) for i, color in enumerate(colors * 2)]

    seeds = (0, 1, 20, 2**33 + 7, 2**53 - 1)
    places = ((0, 0), (1, 49999), (300, 17))
    draws = [draw(seed, epoch, index) for seed in seeds for epoch, index in places]

    points = [(s, s * part) for s in (0.2, 0.7, 1.0, 2.5, 9.0) for part in (0.25, 0.5, 1.0, 2.0)]
    gamma = [[s, x, gamma_below(s, x)] for s, x in points]
    shapes = ((0.2, 0.2), (1.0, 1.0), (0.4, 1.7), (5.0, 2.0))
    beta = [[a, b, x, beta_below(a, b, x)] for a, b in shapes for x in (0.01, 0.1, 0.5, 0.7, 0.95)]

    path = pathlib.Path(__file__).with_suffix(".json")
    sections = {"hue": hue, "draws": draws, "gamma": gamma, "beta": beta}
    made_by = f"tests/golden/augment.py, colorsys, PyTorch {torch.__version__}, float64"
    lines = [f'  "made_by": {json.dumps(made_by)}']
    for name, rows in sections.items():
        text = ",\n".join("    " + json.dumps(row) for row in rows)
        lines.append(f'  "{name}": [\n{text}\n  ]')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {sum(map(len, sections.values()))} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
