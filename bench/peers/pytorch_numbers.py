"""The numbers that all programs start from, as numbers.ts makes them."""

import math

import numpy as np


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


def initial(stream, shape, deviation, constant=0.0):
    if deviation is None:
        return np.full(shape, constant, np.float32)
    return (normals(stream, math.prod(shape), 2) * np.float32(deviation)).reshape(shape)
