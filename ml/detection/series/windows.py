"""Moments over the latest points and quantiles of everything before: the causal arithmetic the series detectors share.

Belongs here: running means and spreads, distance to former periods, quantiles of the past. Not here: any judgement.

Every result at t depends on values up to t only. Missing values (NaN) are left out of means and spreads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def running_mean(values: Array, width: int) -> Array:
    """Mean of the latest `width` values, shape (n,); fewer at the start; NaN where all of them are missing."""
    seen = np.isfinite(values)
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - width, 0)
    sums, counts = _cumulated(np.where(seen, values, 0.0)), _cumulated(seen.astype(np.float64))
    count = counts[ends] - counts[begins]
    return np.where(count > 0.0, (sums[ends] - sums[begins]) / np.maximum(count, 1.0), np.nan)


def running_deviation(values: Array, width: int) -> Array:
    """Standard deviation (divisor: count) of the latest `width` values, shape (n,)."""
    mean = running_mean(values, width)
    return np.sqrt(np.maximum(running_mean(values**2, width) - mean**2, 0.0))


def _cumulated(values: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(values)))


def nearest_before(values: Array, period: int, *, periods: int, slack: int) -> Array:
    """Distance to the nearest value around the same phase of up to `periods` former periods, shape (n,).

    `slack` points to each side count as the same phase. NaN where no former period is known.
    """
    distance = np.full(len(values), np.inf)
    for number in range(1, periods + 1):
        for lag in range(max(1, number * period - slack), number * period + slack + 1):
            if lag < len(values):
                distance[lag:] = np.fmin(distance[lag:], np.abs(values[lag:] - values[:-lag]))
    return np.where(np.isfinite(distance), distance, np.nan)


def past_quantiles(values: Array, levels: tuple[float, ...], *, first: int) -> Array:
    """Quantiles of all values before t, shape (levels, n), NaN before t = `first` and without 10 known values.

    They are renewed whenever the past has grown by a fortieth (at least 25 points once 1,000 are known), which keeps
    the cost of n points at n log n: a quantile moves little while its past grows by 2.5 %.
    """
    told = np.full((len(levels), len(values)), np.nan)
    begin = first
    while begin < len(values):
        end = begin + max(1, begin // 40)
        past = values[:begin][np.isfinite(values[:begin])]
        if len(past) >= 10:
            told[:, begin:end] = np.quantile(past, levels)[:, None]
        begin = end
    return told
