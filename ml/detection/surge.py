"""Surges of themes: weeks in which a theme has many more signals than its own recent past explains.

Belongs here: the test of one complete week against the weeks before it, for all themes at once. Not here: daily control
charts and place-level series (the detection issue adds them beside this module), or opening cases.

Method: quasi-Poisson baseline with down-weighted past outbreaks and a prediction variance (Farrington, Andrews, Beale
and Catchpole, J. R. Stat. Soc. A 159, 1996; the weight threshold 2.58 is Noufaily et al., Stat. Med. 32, 2013), upper
tail of the negative binomial with that mean and variance, dispersion shrunk towards the median of all themes of the
week, and Benjamini-Hochberg over the themes of a week. Benjamini-Hochberg on dependent windows realises more false
discoveries than it says; the minimum count and the minimum ratio hold the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.trigger import Surge

Floats = NDArray[np.float64]

_OUTBREAK = 2.58
# Median of a chi-square with one degree of freedom: turns a median squared residual into a variance.
_MEDIAN_CHI2 = 0.4549
# Weight, in weeks, of the dispersion all themes share against a theme's own.
_POOL_WEEKS = 12.0
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SurgeWeek:
    """One theme in one surging week; `onset` is the first week of the run of surging weeks it belongs to."""

    theme_id: str
    week_start: datetime
    onset: datetime
    signals: int
    expected: float
    ratio: float
    p_value: float
    q_value: float
    dispersion: float
    baseline_weeks: int


@dataclass(frozen=True, slots=True)
class WeekGrid:
    """Counts and exposure per theme (rows) and consecutive complete week (columns); exposure is 1 when unknown."""

    themes: list[str]
    weeks: list[datetime]
    counts: Floats
    exposure: Floats


def find_surges(agg_theme_week: pa.Table, params: Surge, *, as_of: datetime) -> list[SurgeWeek]:
    """All surging weeks of all themes, in order of week and theme.

    `agg_theme_week` has theme_id, week_start, region, signals and optionally exposure and own_notes; only rows of region
    `all` and weeks that ended by `as_of` (with time zone) count, less our own notes. A week's result depends on no later
    week.
    """
    grid = week_grid(agg_theme_week, as_of=as_of)
    if grid is None:
        return []
    found: list[SurgeWeek] = []
    onsets: dict[int, tuple[int, int]] = {}
    for week in range(params.min_baseline_weeks, len(grid.weeks)):
        for theme, result in sorted(_surging(grid, week, params).items()):
            last, onset = onsets.get(theme, (-2, week))
            onset = onset if last == week - 1 else week
            onsets[theme] = (week, onset)
            found.append(_surge_week(grid, theme, week, onset, result))
    return found


def week_grid(agg_theme_week: pa.Table, *, as_of: datetime) -> WeekGrid | None:
    """Weekly series with zeros for weeks without a row, from the first week of any theme to the last complete one."""
    rows = _counted_rows(agg_theme_week)
    for row in rows:
        row["week_start"] = _as_datetime(row["week_start"], as_of)
    if not rows:
        return None
    first = min(row["week_start"] for row in rows)
    total = (as_of - first) // _WEEK
    if total < 1:
        return None
    themes = sorted({row["theme_id"] for row in rows})
    place = {theme: index for index, theme in enumerate(themes)}
    counts = np.zeros((len(themes), total))
    exposure = np.full((len(themes), total), np.nan)
    for row in rows:
        week = (row["week_start"] - first) // _WEEK
        if week < total:
            counts[place[row["theme_id"]], week] = row["signals"]
            exposure[:, week] = np.nan if row.get("exposure") is None else float(row["exposure"])
    return WeekGrid(themes, [first + week * _WEEK for week in range(total)], counts, _filled(exposure))


def _counted_rows(agg_theme_week: pa.Table) -> list[dict[str, Any]]:
    """Rows of region `all` without our own notes; a week of nothing but those has no row, as if nobody had written."""
    wanted = {"theme_id", "week_start", "region", "signals", "exposure", "own_notes"} & set(agg_theme_week.column_names)
    rows = agg_theme_week.select(sorted(wanted)).to_pylist()
    counted = [row for row in rows if row["region"] == "all" and row["theme_id"]]
    for row in counted:
        row["ours"] = row.get("own_notes") or 0
        row["signals"] -= row["ours"]
    return [row for row in counted if row["signals"] > 0 or not row["ours"]]


def _as_datetime(value: object, as_of: datetime) -> datetime:
    """Monday 00:00 in the zone of `as_of`; the mart's week_start may be a date or a timestamp."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=as_of.tzinfo)
    return datetime.fromisoformat(str(value)).replace(tzinfo=as_of.tzinfo)


def _filled(exposure: Floats) -> Floats:
    """Exposure usable as a divisor: a week without one makes the whole comparison a plain count (all ones)."""
    return np.ones_like(exposure) if not np.all(exposure > 0) else exposure


def _surging(grid: WeekGrid, week: int, params: Surge) -> dict[int, tuple[float, ...]]:
    """Theme index -> (expected, ratio, p, q, dispersion, baseline weeks) of the themes that surge in this week."""
    start = max(0, week - params.baseline_weeks)
    past, past_exposure = grid.counts[:, start:week], grid.exposure[:, start:week]
    expected, dispersion = baseline(past, past_exposure, grid.exposure[:, week])
    observed = grid.counts[:, week]
    p_values = upper_tail(observed, expected, dispersion * (1.0 + 1.0 / past.shape[1]))
    q_values = benjamini_hochberg(p_values)
    ratio = observed / expected
    is_surge = (
        (q_values <= params.false_discovery_rate) & (observed >= params.min_signals) & (ratio >= params.min_ratio)
    )
    return {
        int(theme): (
            float(expected[theme]),
            float(ratio[theme]),
            float(p_values[theme]),
            float(q_values[theme]),
            float(dispersion[theme]),
            float(past.shape[1]),
        )
        for theme in np.flatnonzero(is_surge)
    }


def baseline(past: Floats, past_exposure: Floats, exposure_now: Floats) -> tuple[Floats, Floats]:
    """Expected count now and dispersion (variance over mean, at least 1) per theme.

    `past` and `past_exposure` are (themes, weeks); `exposure_now` is (themes,). Weeks that look like past outbreaks
    get a smaller weight, so that one surge neither hides the next nor makes the theme look noisy.
    """
    # The first look is by medians: a mean would let an outbreak inflate the very spread it is measured by.
    middle = np.median(past / past_exposure, axis=1, keepdims=True) * past_exposure
    fitted = np.where(middle > 0, middle, _rate(past, past_exposure)[:, None] * past_exposure)
    spread = np.maximum(np.median((past - fitted) ** 2 / fitted, axis=1) / _MEDIAN_CHI2, 1.0)
    # Anscombe residual of a Poisson count, on the scale of its standard deviation.
    residual = 1.5 * (np.cbrt(past**2) - np.cbrt(fitted**2)) / (fitted ** (1 / 6) * np.sqrt(spread)[:, None])
    weights = np.where(residual > _OUTBREAK, (_OUTBREAK / np.maximum(residual, _OUTBREAK)) ** 2, 1.0)
    rate = _rate(weights * past, weights * past_exposure)
    dispersion = _pooled_dispersion(past, rate[:, None] * past_exposure, weights)
    return rate * exposure_now, dispersion


def _rate(counts: Floats, exposure: Floats) -> Floats:
    """Signals per unit of exposure; half a signal is added so that an empty past is not an impossible one."""
    return np.asarray((counts.sum(axis=1) + 0.5) / exposure.sum(axis=1), dtype=np.float64)


def _pooled_dispersion(past: Floats, fitted: Floats, weights: Floats) -> Floats:
    """Pearson dispersion per theme, shrunk towards the median of all themes and never below 1 (Poisson)."""
    freedom = np.maximum(weights.sum(axis=1) - 1.0, 1.0)
    own = (weights * (past - fitted) ** 2 / fitted).sum(axis=1) / freedom
    shared = float(np.median(own))
    pooled: Floats = (_POOL_WEEKS * shared + freedom * own) / (_POOL_WEEKS + freedom)
    return np.asarray(np.maximum(pooled, 1.0), dtype=np.float64)


def upper_tail(observed: Floats, expected: Floats, dispersion: Floats) -> Floats:
    """P(X >= observed) for a negative binomial with mean `expected` and variance `dispersion * expected`."""
    from scipy import stats

    probability = 1.0 / np.maximum(dispersion, 1.0 + 1e-9)
    size = expected * probability / (1.0 - probability)
    return np.asarray(stats.nbinom.sf(observed - 1.0, size, probability), dtype=np.float64)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values (Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995), in the order given."""
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    stepped = p_values[order] * count / np.arange(1, count + 1)
    adjusted = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    result = np.empty(count)
    result[order] = adjusted
    return result


def _surge_week(grid: WeekGrid, theme: int, week: int, onset: int, result: tuple[float, ...]) -> SurgeWeek:
    expected, ratio, p_value, q_value, dispersion, weeks = result
    return SurgeWeek(
        theme_id=grid.themes[theme],
        week_start=grid.weeks[week],
        onset=grid.weeks[onset],
        signals=int(grid.counts[theme, week]),
        expected=expected,
        ratio=ratio,
        p_value=p_value,
        q_value=q_value,
        dispersion=dispersion,
        baseline_weeks=int(weeks),
    )
