"""How good probabilities were, told by what happened afterwards, each figure with its interval.

Belongs here: Brier score and skill, ranking (AUC), calibration error, precision of the riskiest, lead time. Not here:
fitting (`training.py`). Intervals resample subjects, not rows: the weeks of one customer are one experience.

Sources: Brier 1950 (score), Murphy 1973 (skill against the base rate), Hanley & McNeil 1982 (AUC), Naeini et al. 2015
(calibration error over equally filled bins), Field & Welsh 2007 (resampling of clusters).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS = 10
_DRAWS = 200
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate with the ends of its 95 % interval; all None where there was too little to measure."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities against outcomes of one slice of time.

    `skill` is 1 - Brier / Brier of the base rate known beforehand (0: no better, 1: perfect). `ece` is the mean gap
    between stated and observed shares, `ece_by_chance` what a perfect model would show on as many rows, and `ece_limit`
    what it would stay below 19 times of 20. `precision` is the share of the riskiest tenth that came true, `lift` how
    many times the base rate that is, and `lead_days` the median days from the first such warning of a subject to the
    event.
    """

    rows: int
    events: int
    base_rate: float
    brier: float
    skill: Figure
    auc: Figure
    ece: Figure
    ece_by_chance: float
    ece_limit: float
    precision: Figure
    lift: float | None
    lead_days: float | None

    def metrics(self) -> dict[str, float]:
        """Flat figures for tracking; unknown ones left out."""
        told: dict[str, float | None] = {
            "rows": self.rows, "events": self.events, "base_rate": self.base_rate, "brier": self.brier,
            "ece_by_chance": self.ece_by_chance, "ece_limit": self.ece_limit, "lift": self.lift, "lead_days": self.lead_days,
        }  # fmt: skip
        for name in ("skill", "auc", "ece", "precision"):
            figure: Figure = getattr(self, name)
            told |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
        return {name: float(value) for name, value in told.items() if value is not None}


def judge(
    outcome: Flags,
    probability: Floats,
    *,
    subjects: NDArray[np.int64],
    base_rate: float,
    days_ahead: Floats | None = None,
    seed: int = 0,
) -> Judgement:
    """Judge probabilities (n,) by outcomes (n,). `subjects` (n,) number whose row it is, `base_rate` is the share known
    when the probabilities were made, `days_ahead` (n,) the days from the row to the event. Raises ValueError on no rows.
    """
    if not len(outcome):
        raise ValueError("nothing to judge: no rows")
    weights = _draws(subjects, seed)
    flagged = riskiest(probability)
    hits = outcome & flagged
    share = float(outcome.mean())
    precision = wilson(int(hits.sum()), int(flagged.sum()))
    by_chance = _ece_by_chance(probability, seed)
    return Judgement(
        rows=len(outcome), events=int(outcome.sum()), base_rate=base_rate,
        brier=float(np.mean((probability - outcome) ** 2)),
        skill=_skill(outcome, probability, base_rate, weights), auc=_auc_figure(outcome, probability, weights),
        ece=_ece_figure(outcome, probability, weights), ece_by_chance=float(np.mean(by_chance)),
        ece_limit=float(np.quantile(by_chance, 0.95)),
        precision=precision, lift=precision.value / share if precision.value is not None and share else None,
        lead_days=_lead(hits, subjects, days_ahead),
    )  # fmt: skip


def auc(outcome: Flags, score: Floats) -> float | None:
    """Probability that an event is ranked above a non-event, ties counting half; None without both."""
    return _weighted_auc(outcome, score, np.ones(len(outcome)))


def calibration_error(outcome: Flags, probability: Floats) -> float:
    """Mean gap between stated and observed shares over ten equally filled bins."""
    return _ece(outcome, probability, _bin_of(probability), np.ones(len(outcome)))


def riskiest(probability: Floats, share: float = 0.1) -> Flags:
    """The rows with the highest probabilities: a tenth of them, at least one; ties by place."""
    count = max(round(share * len(probability)), 1)
    flags = np.zeros(len(probability), np.bool_)
    flags[np.argsort(-probability, kind="stable")[:count]] = True
    return flags


def wilson(events: int, rows: int) -> Figure:
    """A share with its 95 % interval (Wilson 1927); unknown without rows."""
    if rows <= 0:
        return Figure(None, None, None)
    share, square = events / rows, _Z**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = _Z / (1 + square / rows) * sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    return Figure(share, max(middle - half, 0.0), min(middle + half, 1.0))


def better_by(outcome: Flags, ours: Floats, theirs: Floats, subjects: NDArray[np.int64], *, seed: int = 0) -> Figure:
    """How much lower the Brier score of `ours` is than that of `theirs` on the same rows."""
    gain = (theirs - outcome) ** 2 - (ours - outcome) ** 2
    return _interval(float(gain.mean()), [float(np.average(gain, weights=w)) for w in _draws(subjects, seed)])


def _draws(subjects: NDArray[np.int64], seed: int) -> list[Floats]:
    """Row weights of resamples of subjects."""
    _, place = np.unique(subjects, return_inverse=True)
    count = int(place.max()) + 1
    rng = np.random.default_rng(seed)
    return [
        np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)[place] for _ in range(_DRAWS)
    ]


def _interval(value: float | None, draws: list[float | None] | list[float]) -> Figure:
    known = [draw for draw in draws if draw is not None]
    if value is None or len(known) < _DRAWS // 2:
        return Figure(value, None, None)
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def _skill(outcome: Flags, probability: Floats, base_rate: float, weights: list[Floats]) -> Figure:
    ours, base = (probability - outcome) ** 2, (base_rate - outcome) ** 2

    def skill(weight: Floats) -> float | None:
        total = float(weight @ base)
        return 1 - float(weight @ ours) / total if total else None

    return _interval(skill(np.ones(len(outcome))), [skill(weight) for weight in weights])


def _auc_figure(outcome: Flags, score: Floats, weights: list[Floats]) -> Figure:
    return _interval(auc(outcome, score), [_weighted_auc(outcome, score, weight) for weight in weights])


def _weighted_auc(outcome: Flags, score: Floats, weight: Floats) -> float | None:
    values, place = np.unique(score, return_inverse=True)
    events = np.bincount(place, weight * outcome, len(values))
    others = np.bincount(place, weight * ~outcome, len(values))
    total = events.sum() * others.sum()
    below = np.cumsum(others) - others
    return float((events * (below + others / 2)).sum() / total) if total else None


def _bin_of(probability: Floats) -> NDArray[np.int64]:
    rank = np.argsort(np.argsort(probability, kind="stable"), kind="stable")
    return np.asarray(rank * BINS // max(len(probability), 1), dtype=np.int64)


def _ece(outcome: Flags, probability: Floats, bins: NDArray[np.int64], weight: Floats) -> float:
    gaps = np.bincount(bins, weight * (probability - outcome), BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def _ece_figure(outcome: Flags, probability: Floats, weights: list[Floats]) -> Figure:
    bins = _bin_of(probability)
    return _interval(
        calibration_error(outcome, probability), [_ece(outcome, probability, bins, weight) for weight in weights]
    )


def _ece_by_chance(probability: Floats, seed: int) -> list[float]:
    rng, bins, ones = np.random.default_rng(seed), _bin_of(probability), np.ones(len(probability))
    return [_ece(rng.random(len(probability)) < probability, probability, bins, ones) for _ in range(_DRAWS)]


def _lead(hits: Flags, subjects: NDArray[np.int64], days_ahead: Floats | None) -> float | None:
    if days_ahead is None or not hits.any():
        return None
    longest: dict[int, float] = {}
    for subject, days in zip(subjects[hits].tolist(), days_ahead[hits].tolist(), strict=True):
        longest[subject] = max(days, longest.get(subject, 0.0))
    return float(np.median(list(longest.values())))
