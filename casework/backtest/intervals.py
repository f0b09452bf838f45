"""Intervals for the figures of a backtest.

Belongs here: rates by week and medians of times. Not here: shares (`models.outcome.Ratio`), what is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
# Below six values the extremes themselves do not enclose the median with 95 % (2 * 0.5 ** 5 = 6.3 %).
LEAST_FOR_A_MEDIAN = 6


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per week with an interval. `dispersion` is the variance of the weeks over their mean, 1 when Poisson."""

    count: int
    weeks: float
    value: float
    low: float
    high: float
    dispersion: float


@dataclass(frozen=True, slots=True)
class Median:
    """A median with an interval; all three are None when there are too few values to say."""

    n: int
    value: float | None
    low: float | None
    high: float | None


def weekly_rate(by_week: Sequence[int], *, rest: int = 0, rest_days: int = 0) -> Rate:
    """Mean of weekly counts with a 95 % interval that allows for weeks that differ more than by chance.

    Garwood's exact Poisson interval (Biometrika 1936) on the counts divided by their dispersion (quasi-Poisson: McCullagh
    and Nelder 1989, 6.2), which is never taken below 1. A dispersion known from few weeks is widened as Student's t is
    wider than the normal. `rest` counts the `rest_days` that make no whole week: they count in the mean, not in the
    dispersion. Raises ValueError without any time.
    """
    from scipy.special import gammaincinv, stdtrit

    weeks = len(by_week) + rest_days / 7
    if weeks <= 0:
        raise ValueError("a rate needs at least one day")
    count = sum(by_week) + rest
    found = spread = dispersion(by_week)
    tail = (1 - CONFIDENCE) / 2
    if found > 1:
        spread *= (float(stdtrit(len(by_week) - 1, 1 - tail)) / NormalDist().inv_cdf(1 - tail)) ** 2
    seen = count / spread
    low = float(gammaincinv(seen, tail)) if count else 0.0
    high = float(gammaincinv(seen + 1, 1 - tail))
    return Rate(count, weeks, count / weeks, low * spread / weeks, high * spread / weeks, found)


def dispersion(by_week: Sequence[int]) -> float:
    """Variance of weekly counts over their mean, at least 1; 1 where fewer than two weeks or no event say anything."""
    n, total = len(by_week), sum(by_week)
    if n < 2 or total == 0:
        return 1.0
    mean = total / n
    return max(1.0, sum((count - mean) ** 2 for count in by_week) / (n - 1) / mean)


def median(values: Sequence[float]) -> Median:
    """Median with the distribution-free 95 % interval of its order statistics (Conover 1999, 3.2)."""
    from scipy.special import bdtr

    n, ordered = len(values), sorted(values)
    if n < LEAST_FOR_A_MEDIAN:
        return Median(n, _middle(ordered) if n else None, None, None)
    rank = max(k for k in range(1, n // 2 + 1) if 2 * bdtr(k - 1, n, 0.5) <= 1 - CONFIDENCE)
    return Median(n, _middle(ordered), ordered[rank - 1], ordered[n - rank])


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@dataclass(frozen=True, slots=True)
class Lift:
    """How many times as often something followed on what a rule picked as on what it did not, with a 95 % interval."""

    value: float | None
    low: float | None
    high: float | None


def lift(hits: int, n: int, other_hits: int, other_n: int) -> Lift:
    """Ratio of two shares with Katz's log interval (Biometrics 1978); None where either share cannot be had or is 0."""
    if not (hits and n and other_hits and other_n):
        return Lift(None, None, None)
    ratio = (hits / n) / (other_hits / other_n)
    error = sqrt(1 / hits - 1 / n + 1 / other_hits - 1 / other_n)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    return Lift(ratio, ratio * exp(-z * error), ratio * exp(z * error))
