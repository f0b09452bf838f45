"""How many will miss their target: the sum over cases as a distribution, not a guess.

Belongs here: adding up independent events of different probability. Not here: the probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Expected:
    """Of `cases`, how many events to expect, and the 95 % interval of how many it will be, in whole events."""

    cases: int
    expected: float
    low: int
    high: int


def expected_events(probability: Sequence[float]) -> Expected:
    """Exact distribution of the number of events (Poisson binomial, by convolution); cases count as independent."""
    shares = np.ones(1)
    for chance in probability:
        shares = np.convolve(shares, [1 - chance, chance])
    below = np.cumsum(shares)
    low, high = np.searchsorted(below, [0.025, 0.975 - 1e-12])
    return Expected(len(probability), float(sum(probability)), int(low), int(min(high, len(probability))))
