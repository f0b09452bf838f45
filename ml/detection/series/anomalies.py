"""Anomaly scores of one stream of values: how far the newest value leaves everything seen before it.

Belongs here: the features compared with their own past, the score, silence after an alarm. Not here: where a level
changed (changes.py), what a finding is called (watch.py).

Every feature (level, short and longer mean, up and down, jump, spread, distance to the same time of former days) is
measured by its exceedance: its distance from its median so far, in units of the distance from that median to its
99.7 % quantile so far. 1 is "as far as it goes once in 300 points". No distribution is assumed, so heavy tails do not
alarm for being heavy. The score is e / (1 + e) of the largest exceedance e. The idea of comparing with the past without a
model follows conformal anomaly detection (Laxhammar and Falkman, 2014) and its nearest-neighbour form for streams
(Burnaev and Ishimtsev, 2016, arXiv 1608.04585). One alarm is told once: for a while only a clearly larger one speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.detection.series.windows import Array, nearest_before, past_quantiles, running_deviation, running_mean

_DAY = np.timedelta64(1, "D")
_MOST = 1000.0  # An exceedance above a past that never varied has no unit; it counts as this much.


@dataclass(frozen=True)
class Kind:
    """The one set of parameters for all series of a kind; lengths in points."""

    first: int  # points to know before anything is scored
    means: tuple[int, ...]  # lengths of the running means
    spread: int  # length of the running deviation
    blend: int  # points over which the distance to former periods is averaged
    silence: int  # points after an alarm in which only a larger one speaks
    louder: float  # how many times larger it must be
    periods: int = 7  # former periods looked at


STREAM = Kind(first=100, means=(12, 48), spread=24, blend=6, silence=200, louder=1.2)
DAILY = Kind(first=42, means=(3, 7), spread=14, blend=1, silence=14, louder=1.2)

_USUAL = 1.0  # An exceedance up to here is ordinary and scores 0.
ALARM = 0.565  # The score from which a point counts as an alarm: an exceedance of 1.3.


def anomaly_scores(
    values: npt.ArrayLike, *, timestamps: npt.ArrayLike | None = None, kind: Kind = STREAM
) -> npt.NDArray[np.float64]:
    """Score of every point in 0..1, shape (n,); the score at t uses values up to t only.

    `values` has shape (n,), NaN where missing; `timestamps` (n,), rising, tell the period (a day where one has at
    least twelve points, else a week where it has at least seven); without them nothing is compared by phase. 0 is
    told for ordinary and missing points, before `kind.first` points are known, and in the silence after an alarm.
    Raises `ValueError` if shapes differ or a value is infinite.
    """
    x = _checked(values)
    period = None if timestamps is None else _period(np.asarray(timestamps, dtype="datetime64[us]"), len(x), kind)
    return _once(_exceedance(x, period, kind), kind)


def _checked(values: npt.ArrayLike) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"values must have one dimension, not {x.ndim}")
    if np.isinf(x).any():
        raise ValueError("values must be finite, or NaN where missing")
    known = x[np.isfinite(x)]
    # Sums of centred values lose no digits; the first value is known at every later point.
    return x - known[0] if len(known) else x


def _period(timestamps: npt.NDArray[np.datetime64], n: int, kind: Kind) -> int | None:
    if timestamps.shape != (n,):
        raise ValueError(f"{n} values need {n} timestamps, not {timestamps.shape}")
    steps = np.diff(timestamps[: kind.first])
    step = np.median(steps.astype(np.int64)) if len(steps) else 0
    if step <= 0:
        return None
    day = round(float(_DAY / np.timedelta64(1, "us") / step))
    week = round(float(7 * _DAY / np.timedelta64(1, "us") / step))
    return day if day >= 12 else week if week >= 7 else None


def _exceedance(x: Array, period: int | None, kind: Kind) -> Array:
    """Largest exceedance of all features at every point, 0 where none can be told."""
    two_sided = [x, *(running_mean(x, width) for width in kind.means)]
    rising = [np.abs(np.diff(x, prepend=x[:1])), running_deviation(x, kind.spread)]
    if period is not None:
        near = nearest_before(x, period, periods=kind.periods, slack=period // 24)
        rising.append(running_mean(np.where(np.isfinite(near), near, 0.0), kind.blend))
    least = 1e-3 * _range_before(x)
    most = np.zeros(len(x))
    for feature in two_sided:
        most = np.fmax(most, np.fmax(_above(feature, least, kind.first), _above(-feature, least, kind.first)))
    for feature in rising:
        most = np.fmax(most, _above(feature, least, kind.first))
    return np.where(np.isfinite(x), most, 0.0)


def _range_before(x: Array) -> Array:
    """Range of the values before each point; 0 before any."""
    high = np.fmax.accumulate(np.where(np.isfinite(x), x, -np.inf))
    low = np.fmin.accumulate(np.where(np.isfinite(x), x, np.inf))
    span = np.where(np.isfinite(high), high, 0.0) - np.where(np.isfinite(low), low, 0.0)
    return np.concatenate(([0.0], span[:-1]))


def _above(feature: Array, least: Array, first: int) -> Array:
    """Exceedance over the past; `least` (n,) keeps rounding in a nearly constant past from counting."""
    median, high = past_quantiles(feature, (0.5, 0.997), first=first)
    distance, unit = feature - median, np.fmax(high - median, least)
    told = np.where(unit > 0.0, distance / np.where(unit > 0.0, unit, 1.0), np.where(distance > 0.0, _MOST, 0.0))
    return np.minimum(told, _MOST)


def _once(exceedance: Array, kind: Kind) -> Array:
    """Scores of the exceedances that speak: in the silence after one, only larger ones do."""
    scores = np.zeros(len(exceedance))
    spoken, at = 0.0, -kind.silence - 1
    for t in np.flatnonzero(exceedance > _USUAL):
        if t - at > kind.silence:
            spoken = 0.0
        if exceedance[t] > spoken * kind.louder:
            spoken, at = float(exceedance[t]), int(t)
            scores[t] = spoken / (1.0 + spoken)
    return scores
