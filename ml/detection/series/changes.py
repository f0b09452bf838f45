"""Where the level or the slope of one whole series changed, found backwards in time; and an onset with its interval.

Belongs here: segmenting a series that has already happened. Not here: alarms while it happens (anomalies.py).

Method: the best segmentation under a penalty per segment, by dynamic programming (optimal partitioning, Jackson et al.
2005, whose pruned form is PELT, Killick et al. 2012). A segment is a level, or a line where a line pays for its extra
parameter (Bai and Perron, 1998), so a steady trend is no staircase of changes. Residuals are measured in units of the
noise, taken from the differences of neighbours so that the changes themselves do not swell it; single outliers are
drawn in first, and a strong season is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# One set of parameters for every series; chosen on the Turing set, where all neighbours of it score alike.
_LEVEL, _LINE = 9.0, 14.0  # Penalties of a segment, times log n: 4-5 times what a level or a line costs under BIC.
_LEAST_NOISE = 0.05  # Noise is at least this share of the variance: finer wiggles are no changes.
_SHORTEST = 0.02  # A segment has at least this share of the points (and two).
_MOST_CHANGES = 10  # Where more are found they are a pattern: the penalty grows until no more are.
_OUTLIER = 5.0  # Distances from the median of five neighbours are cut here, in robust deviations.
_SEASON = 0.5  # Autocorrelation of differences from which a period counts as a season.
_DATE_95 = 7.35  # 95 % point of the likelihood ratio of a date: (1 - exp(-y / 2)) squared = 0.95.
_LONGEST = 1500  # Longer series are averaged in blocks, which bounds the work and coarsens the answer to a block.


def change_points(values: npt.ArrayLike) -> tuple[int, ...]:
    """Indices of the first point of every new segment, rising, without 0; empty if nothing changed.

    `values` has shape (n,), NaN where missing; missing points belong to no fit. Shifting and scaling the values changes
    nothing. Raises `ValueError` if there is more than one dimension or a value is infinite.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or np.isinf(x).any():
        raise ValueError("values must have one dimension and be finite, or NaN where missing")
    known = np.flatnonzero(np.isfinite(x))
    if len(known) < 4 or np.ptp(x[known]) <= 1e-12 * np.abs(x[known]).max():
        return ()
    calm = _without_outliers(_without_season(np.interp(np.arange(len(x)), known, x[known])))
    block = -(-len(known) // _LONGEST)
    times, levels = _blocks(known, calm[known], block)
    return tuple(int(known[mark * block]) for mark in _segmented(times, levels))


def _blocks(times: npt.NDArray[np.int64], levels: Array, block: int) -> tuple[Array, Array]:
    begins = np.arange(0, len(times), block)
    sizes = np.diff(np.append(begins, len(times)))
    return np.add.reduceat(times.astype(np.float64), begins) / sizes, np.add.reduceat(levels, begins) / sizes


def _without_season(x: Array) -> Array:
    """The series less the median deviation of each phase from the mean over one period, where it has a season."""
    period = _season(x)
    if not period:
        return x
    half = period // 2
    weights = np.ones(period) if period % 2 else np.array([0.5, *np.ones(period - 1), 0.5])
    level = np.convolve(np.pad(x, half, mode="edge"), weights / weights.sum(), "valid")
    profile = np.array([np.median((x - level)[phase::period]) for phase in range(period)])
    return np.asarray(x - (profile - profile.mean())[np.arange(len(x)) % period], dtype=np.float64)


def _season(x: Array) -> int:
    """The period of at least three points, seen at least four times, at which differences repeat most; 0 if none."""
    steps = np.diff(x) - np.diff(x).mean()
    m, longest = len(steps), len(x) // 4
    again = np.fft.irfft(np.abs(np.fft.rfft(steps, 2 * m)) ** 2, 2 * m)[:m]
    if longest < 3 or again[0] <= 0.0:
        return 0
    again = again / again[0]
    lags = np.arange(3, longest + 1)
    peaks = lags[(again[lags] > _SEASON) & (again[lags] >= again[lags - 1]) & (again[lags] >= again[lags + 1])]
    return int(peaks[np.argmax(again[peaks])]) if len(peaks) else 0


def _without_outliers(x: Array) -> Array:
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(x, 2, mode="edge"), 5), axis=1)
    off = x - around
    far = _OUTLIER * max(1.4826 * float(np.median(np.abs(off))), 1e-3 * float(x.std()))
    return np.asarray(around + np.clip(off, -far, far), dtype=np.float64)


def _segmented(times: Array, levels: Array) -> list[int]:
    n = len(levels)
    x = (levels - levels.mean()) / levels.std()
    t = (times - times.mean()) / times[-1]
    sums = _Sums(x, t, max(_noise(x) ** 2, _LEAST_NOISE))
    shortest, strictness = max(2, int(np.ceil(_SHORTEST * n))), np.log(n)
    marks = _best(sums, shortest, strictness)
    while len(marks) > _MOST_CHANGES:
        strictness *= 1.5
        marks = _best(sums, shortest, strictness)
    return marks


def _noise(x: Array) -> float:
    """Robust standard deviation of the differences of neighbours, over the square root of two."""
    steps = np.diff(x)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2.0))


class _Sums:
    """Cumulated moments, from which any segment's residual sums of squares follow in constant time."""

    def __init__(self, x: Array, t: Array, variance: float) -> None:
        moments = np.stack([x, t, x * x, t * t, x * t])
        self._sums = np.concatenate((np.zeros((5, 1)), np.cumsum(moments, axis=1)), axis=1)
        self._variance = variance
        self.points = len(x)

    def costs(self, begins: npt.NDArray[np.int64], end: int, strictness: float) -> Array:
        """Cost of the segments [begin, end): the cheaper of a level and a line, with penalty."""
        m = (end - begins).astype(np.float64)
        x, t, xx, tt, xt = self._sums[:, [end]] - self._sums[:, begins]
        level = np.maximum(xx - x * x / m, 0.0)
        across, along = xt - x * t / m, np.maximum(tt - t * t / m, 1e-12)
        line = np.maximum(level - across**2 / along, 0.0)
        cheaper: Array = np.minimum(
            level / self._variance + _LEVEL * strictness, line / self._variance + _LINE * strictness
        )
        return cheaper


def _best(sums: _Sums, shortest: int, strictness: float) -> list[int]:
    """First indices of all segments but the first, of the cheapest segmentation."""
    n = sums.points
    cheapest, came_from = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.int64)
    cheapest[0] = 0.0
    for end in range(shortest, n + 1):
        begins = np.arange(end - shortest + 1)
        costs = cheapest[begins] + sums.costs(begins, end, strictness)
        came_from[end] = int(np.argmin(costs))
        cheapest[end] = costs[came_from[end]]
    marks, at = [], int(came_from[n])
    while at > 0:
        marks.append(at)
        at = int(came_from[at])
    return marks[::-1]


@dataclass(frozen=True)
class Onset:
    """Where a change began, and the earliest and latest index that explain the series about as well."""

    index: int
    low: int
    high: int


def onset(values: npt.ArrayLike, alarm: int, *, search: int = 56) -> Onset | None:
    """When the change behind an alarm at index `alarm` began: the likeliest index in the `search` points up to it.

    The interval holds every index whose likelihood ratio is below 7.35, the 95 % point for a date under Gaussian noise
    (Hansen, "Sample splitting and threshold estimation", 2000). `None` if fewer than four values are known, or two levels
    do not explain them clearly better than one (half the penalty of `change_points`: an alarm is known already).
    Raises `ValueError` if `alarm` is outside the series.
    """
    x = np.asarray(values, dtype=np.float64)
    if not 0 <= alarm < len(x):
        raise ValueError(f"the alarm at {alarm} lies outside the {len(x)} values")
    return onset_between(x, max(0, alarm + 1 - search), alarm + 1)


def onset_between(values: npt.ArrayLike, begin: int, end: int) -> Onset | None:
    """The likeliest index at which the level changed among [begin, end), as `onset` tells it."""
    x = np.asarray(values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(x[begin:end])) + begin
    if len(known) < 4 or np.ptp(x[known]) <= 1e-12 * np.abs(x[known]).max():
        return None
    gain, residual = _splits(x[known])
    at = int(np.argmax(gain))
    variance = max(residual[at] / (len(known) - 2), 1e-12 * float(np.var(x[known])))
    if gain[at] / variance < _LEVEL * np.log(len(known)) / 2.0:
        return None
    alike = np.flatnonzero(gain[at] - gain <= _DATE_95 * variance)
    return Onset(*(int(known[1 + split]) for split in (at, alike[0], alike[-1])))


def _splits(x: Array) -> tuple[Array, Array]:
    """For every split into two levels: squares saved against one level, and squares left; both (n - 1,)."""
    centred = x - x.mean()
    left = np.arange(1, len(x))
    gain = np.cumsum(centred)[:-1] ** 2 * len(x) / (left * (len(x) - left))
    return gain, np.maximum(float(centred @ centred) - gain, 0.0)
