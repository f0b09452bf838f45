"""How much a stretch of days differs from what the same series usually brings: size, interval, and weight of evidence.

Belongs here: the comparison of one window with the days before it, for many series at once, and when a change began.
Not here: whether to raise an alarm (`charts/`) or which series tell of the same thing (`grouping.py`).

Methods: counts are compared by the conditional binomial likelihood ratio (Przyborowski and Wilenski, Biometrika 31,
1940), with the dispersion of the series' own past (quasi-likelihood); scores by Welch's t (Biometrika 34, 1947). The
likelihood ratio ranks nested series as a scan statistic does (Kulldorff, Commun. Stat. 26, 1997): the series that best
explains a change is the one whose ratio is largest. The onset is the day of the largest ratio, its interval every day
within 1.92 of it (profile likelihood, 95 %).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ml.detection.panels import Flags, Floats, Grid, Ints
from models.chart import Chart

# Half the 95 % point of a chi-square with one degree of freedom.
_PROFILE = 1.92
# A change is not traced back further than this: what lasts longer is how things are.
LONGEST_DAYS = 56
# Weight, in days, of the dispersion of all series against a series' own.
_POOL_DAYS = 28.0
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Change:
    """One series in one window against its past. `effect` is a share of the usual (0.5 is half as much again) for
    complaints and delay, points for scores, and positive always means worse; `evidence` is the log likelihood ratio
    (0 where nothing got worse). `observed` and `expected` are per chance, `n` counts complaints, answers or
    resolutions in the window. `evidence`, `effect`, `low` and `high` are NaN without a past.
    """

    n: float
    observed: float
    expected: float
    effect: float
    low: float
    high: float
    evidence: float


@dataclass(frozen=True, slots=True)
class Onset:
    """Day a change began (place in the grid), with the 95 % interval of it."""

    day: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Sums:
    """Per series: window and past sums of chances, outcomes and squares, days of the past and its dispersion."""

    n: Floats
    total: Floats
    past_n: Floats
    past_total: Floats
    squares: Floats | None
    past_squares: Floats | None
    dispersion: Floats


class Windows:
    """Windows of one grid. `unusual` (series, days) marks days that belong to an earlier breakdown; they are no past."""

    def __init__(self, grid: Grid, chart: Chart) -> None:
        self.grid, self.chart = grid, chart
        self.unusual: Flags = np.zeros(grid.n.shape, np.bool_)

    def evidence(self, series: Ints, begin: int, end: int) -> Floats:
        """(series,) log likelihood ratio that days `begin` to `end` are worse than the past; 0 when better, NaN unknown."""
        sums = self._sums(series, begin, end)
        return _count_evidence(sums, self.sign) if sums.squares is None else _score_evidence(sums, self.sign)

    def excess(self, series: Ints, begin: int, end: int) -> Floats:
        """(series,) outcomes (complaints, points) in the window beyond the usual; positive is worse."""
        sums = self._sums(series, begin, end)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.sign * (sums.total - sums.n * sums.past_total / sums.past_n), dtype=np.float64)

    def sums(self, series: Ints, begin: int, end: int) -> tuple[Floats, Floats, Floats, Floats]:
        """(series,) each: chances and outcomes in the window, then chances and outcomes of the usual days before."""
        found = self._sums(series, begin, end)
        return found.n, found.total, found.past_n, found.past_total

    def change(self, series: int, begin: int, end: int) -> Change:
        """The change of one series over days `begin` to `end` (both included)."""
        place = np.array([series])
        sums = self._sums(place, begin, end)
        evidence = float(self.evidence(place, begin, end)[0])
        estimate = _count_change if sums.squares is None else _score_change
        effect, low, high = estimate(sums, self.sign)
        if self.chart.measure == "delay":
            # Half as many resolutions as usual is twice the time: tell the time.
            effect, low, high = (share / (1.0 - share) if share < 1 else np.inf for share in (effect, low, high))
        n, total = float(sums.n[0]), float(sums.total[0])
        counted = total if sums.squares is None else n
        with np.errstate(invalid="ignore", divide="ignore"):
            observed, expected = np.float64(total) / n, float(sums.past_total[0] / sums.past_n[0])
        return Change(counted, float(observed), expected, float(effect), float(low), float(high), evidence)

    def onset(self, series: int, end: int) -> Onset:
        """When the change that is still there on day `end` began; at most `LONGEST_DAYS` before."""
        first = max(self._first_begin(series), end - LONGEST_DAYS + 1)
        days = np.arange(min(first, end), end + 1)
        ratios = np.array([self.evidence(np.array([series]), int(day), end)[0] for day in days])
        if np.all(np.isnan(ratios)):
            return Onset(end, end, end)
        likely = days[ratios >= np.nanmax(ratios) - _PROFILE]
        return Onset(int(days[np.nanargmax(ratios)]), int(likely.min()), int(likely.max()))

    @property
    def sign(self) -> float:
        """+1 when more of the outcome is worse. Delay is seen as resolutions per expected one: fewer are worse."""
        return -1.0 if self.chart.measure == "delay" else float(self.chart.direction)

    def _first_begin(self, series: int) -> int:
        """First day with enough usual days before it."""
        usual = np.cumsum(self.grid.valid & ~self.unusual[series])
        return int(np.searchsorted(usual, self.chart.min_baseline_days)) + 1

    def _sums(self, series: Ints, begin: int, end: int) -> _Sums:
        grid, start = self.grid, max(0, begin - self.chart.baseline_days)
        window = np.where(grid.valid[begin : end + 1], 1.0, 0.0)
        usual = np.where(grid.valid[start:begin] & ~self.unusual[series, start:begin], 1.0, 0.0)
        n, total = grid.n[series, begin : end + 1] * window, grid.total[series, begin : end + 1] * window
        past_n, past_total = grid.n[series, start:begin] * usual, grid.total[series, start:begin] * usual
        squares = past_squares = None
        if grid.squares is not None:
            squares = (grid.squares[series, begin : end + 1] * window).sum(axis=1)
            past_squares = (grid.squares[series, start:begin] * usual).sum(axis=1)
        enough = usual.sum(axis=1) >= self.chart.min_baseline_days
        past_sum = np.where(enough, past_n.sum(axis=1), np.nan)
        dispersion = _dispersion(past_n, past_total, usual) if squares is None else np.ones(len(series))
        return _Sums(
            n.sum(axis=1), total.sum(axis=1), past_sum, past_total.sum(axis=1), squares, past_squares, dispersion
        )


def _dispersion(n: Floats, total: Floats, usual: Floats) -> Floats:
    """(series,) variance over mean of daily counts, shrunk towards the middle of all series, never below 1 (Poisson)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        fitted = n * (total.sum(axis=1) / n.sum(axis=1))[:, None]
        residual = np.where((usual > 0) & (fitted > 0), (total - fitted) ** 2 / fitted, 0.0)
    freedom = np.maximum(usual.sum(axis=1) - 1.0, 1.0)
    own = residual.sum(axis=1) / freedom
    shared = max(1.0, float(np.median(own))) if len(own) else 1.0
    pooled: Floats = (_POOL_DAYS * shared + freedom * own) / (_POOL_DAYS + freedom)
    return np.maximum(pooled, 1.0)


def _count_evidence(sums: _Sums, sign: float) -> Floats:
    both, share = sums.total + sums.past_total, sums.n / (sums.n + sums.past_n)
    ratio = special.rel_entr(sums.total, both * share) + special.rel_entr(sums.past_total, both * (1.0 - share))
    worse = sign * (sums.total - both * share) > 0
    return np.asarray(np.where(np.isnan(sums.past_n), np.nan, np.where(worse, ratio, 0.0) / sums.dispersion))


def _score_evidence(sums: _Sums, sign: float) -> Floats:
    difference, error, _ = _welch(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = 0.5 * (difference / error) ** 2
    known = np.isfinite(error) & (error > 0)
    return np.asarray(np.where(known, np.where(sign * difference > 0, ratio, 0.0), np.nan))


def _count_change(sums: _Sums, sign: float) -> tuple[float, float, float]:
    """Share of the usual by which the rate got worse, with a Jeffreys interval of the conditional binomial."""
    dispersion, n, past_n = float(sums.dispersion[0]), float(sums.n[0]), float(sums.past_n[0])
    if np.isnan(past_n) or n <= 0:
        return np.nan, np.nan, np.nan
    now, past = float(sums.total[0]) / dispersion, float(sums.past_total[0]) / dispersion
    points = stats.beta.ppf([(1 - _LEVEL) / 2, 0.5, (1 + _LEVEL) / 2], now + 0.5, past + 0.5)
    low, middle, high = (float(point / (1 - point) * past_n / n) for point in points)
    if past > 0:
        middle = min(max(now / past * past_n / n, low), high)
    worse = sorted([sign * (low - 1.0), sign * (high - 1.0)])
    return sign * (middle - 1.0), worse[0], worse[1]


def _score_change(sums: _Sums, sign: float) -> tuple[float, float, float]:
    """Points by which the mean got worse, with Welch's interval."""
    difference, error, freedom = (float(part[0]) for part in _welch(sums))
    if not np.isfinite(error):
        return np.nan, np.nan, np.nan
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, max(freedom, 1.0))) * error
    return sign * difference, sign * difference - reach, sign * difference + reach


def _welch(sums: _Sums) -> tuple[Floats, Floats, Floats]:
    """Difference of means, its standard error and degrees of freedom. A window of few answers takes the past's
    variance in with the weight of ten answers: two equal answers do not vary by nothing."""
    assert sums.squares is not None and sums.past_squares is not None, "scores have squares"
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, past_mean = sums.total / sums.n, sums.past_total / sums.past_n
        past_var = np.maximum(sums.past_squares / sums.past_n - past_mean**2, 0.0)
        own_var = np.maximum(sums.squares / sums.n - mean**2, 0.0)
        var = (10.0 * past_var + sums.n * own_var) / (10.0 + sums.n)
        parts = var / sums.n, past_var / sums.past_n
        error = np.sqrt(parts[0] + parts[1])
        freedom = error**4 / (parts[0] ** 2 / (sums.n + 9.0) + parts[1] ** 2 / np.maximum(sums.past_n - 1.0, 1.0))
    return mean - past_mean, error, freedom


def as_places(places: list[int]) -> NDArray[np.int64]:
    """Places of series as an index array, also when there are none."""
    return np.asarray(places, dtype=np.int64)
