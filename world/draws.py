"""Random streams and vectorised draws used by every part of the world.

Belongs here: how a stream is derived from the seed, and small array draws. Not here: any rate. Each part asks for its own
named stream, so adding a draw in one part never changes another part's numbers (numpy SeedSequence spawn keys).
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def stream(seed: int, name: str, *parts: int) -> np.random.Generator:
    """A generator that depends only on the seed, the part's name and its block numbers."""
    key = (zlib.crc32(name.encode()), *parts)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key)))


def pick(rng: np.random.Generator, weights: NDArray[np.float64] | tuple[float, ...] | list[float], size: int) -> Ints:
    """Indices drawn with the given relative weights; shape (size,)."""
    cdf = np.cumsum(np.asarray(weights, dtype=float))
    return np.asarray(np.minimum(np.searchsorted(cdf, rng.random(size) * cdf[-1], side="right"), len(cdf) - 1))


def pick_by_row(rng: np.random.Generator, weights: NDArray[np.float64], rows: NDArray[np.integer]) -> Ints:
    """For each entry of `rows`, an index drawn with the weights of that row of the matrix; shape of `rows`."""
    cdf = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    cdf[:, -1] = 1.0
    flat = (cdf + np.arange(len(cdf))[:, None]).ravel()
    at = np.searchsorted(flat, rows + rng.random(len(rows)), side="right")
    return np.asarray(np.clip(at - rows.astype(np.int64) * weights.shape[1], 0, weights.shape[1] - 1))


def sigmoid(x: NDArray[np.floating]) -> Floats:
    """Logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, dtype=float))))


def blocks(count: int, size: int) -> list[tuple[int, int]]:
    """Half-open index ranges that cut `count` items into pieces of at most `size`."""
    return [(lo, min(lo + size, count)) for lo in range(0, count, size)]
