"""The share of attempts that recovered, when many customers never say: as answered, adjusted, and how far off at most.

Belongs here: who answers, weights of answers for the silent, bounds. Not here: the criterion of recovered (dbt), what a
playbook changed (`effect.py`), or rows for the warehouse (`rates.py`).

An answer stands for itself and, by the odds of silence of customers like it, for the silent: inverse response weighting
(Horvitz & Thompson 1952, Hajek 1971) written so that it cannot leave the bounds of Manski (1989), which assume nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ml.recovery.learners import Learner, design, fit_classes, one_thread
from ml.recovery.nuisance import LEAST_KNOWN, grouped_folds
from ml.recovery.pairs import clustered_error, effective_size, interval
from models.outcome import Ratio

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# With answers of fewer customers, or answers that weigh no more than so many even ones, the silent are not spoken for.
FEWEST_ANSWERS = 30
FEWEST_EFFECTIVE = 20.0


@dataclass(frozen=True, kw_only=True)
class RecoveryRate:
    """A share of `n` attempts in 0..1, four ways, each end of an interval at 95 %.

    `raw` counts the `n_known` outcomes that are known, and no others. `adjusted` lets `n_answered` answers speak for the
    `n - n_known` silent; it is NaN with a `reason` where there are too few of them (`effective` is what they weigh).
    `worst` and `best` take every silent customer for unrecovered and for recovered: the truth about these attempts lies
    between them whatever the silent think. `bounds_low`, `bounds_high` cover the share such attempts have in general
    (Imbens & Manski 2004).
    """

    n: int
    n_known: int
    n_recovered: int
    n_answered: int
    effective: float
    raw: float
    raw_low: float
    raw_high: float
    adjusted: float
    adjusted_low: float
    adjusted_high: float
    worst: float
    best: float
    bounds_low: float
    bounds_high: float
    reason: str | None = None


def response_chances(
    covariates: Floats,
    cluster: NDArray[np.int64],
    answered: Flags,
    sure: Flags,
    *,
    folds: int = 5,
    seed: int = 0,
    learner: Learner = "logistic",
) -> Floats:
    """Chance that each attempt's customer answers, (n,), by models that saw none of the same customer.

    Learnt from attempts that are not `sure` (known without an answer), for which it is 1. Never below 1 in 20: an answer
    that stood for more silent customers would carry the figure on its own. Raises ValueError for lengths that differ.
    """
    if not len(covariates) == len(cluster) == len(answered) == len(sure):
        raise ValueError("covariates, customers, answers and sure outcomes must have one entry for each attempt")
    found = np.ones(len(answered))
    asked = np.flatnonzero(~sure)
    if not len(asked):
        return found
    rows, states = design(covariates[asked], learner), answered[asked].astype(np.int64)
    fold = grouped_folds(cluster[asked], states, folds, seed)
    chances = np.empty(len(asked))
    with one_thread():
        for place in range(folds):
            inside = fold == place
            if inside.any():
                chances[inside] = fit_classes(rows[~inside], states[~inside], 2, learner, seed=seed)(rows[inside])[:, 1]
    found[asked] = np.clip(chances, LEAST_KNOWN, 1.0)
    return found


def recovery_rate(outcome: Floats, sure: Flags, chances: Floats, cluster: NDArray[np.int64]) -> RecoveryRate:
    """The rate of some attempts: `outcome` (n,) 1, 0 or NaN for unknown, of which `sure` ones were known without asking.

    `chances` (n,) are those of an answer (`response_chances`). Errors are clustered by customer. Raises ValueError for
    outcomes that are neither, sure ones that are unknown, or no attempts at all.
    """
    known = ~np.isnan(outcome)
    if not len(outcome):
        raise ValueError("there is no rate of no attempts")
    if not np.isin(outcome[known], (0.0, 1.0)).all():
        raise ValueError("outcomes are 1 for recovered, 0 for not, and NaN for unknown")
    if (sure & ~known).any():
        raise ValueError(f"{int((sure & ~known).sum())} outcomes are called sure and are unknown")
    answered = known & ~sure
    raw = Ratio(int(outcome[known].sum()), int(known.sum()), missing=int((~known).sum()))
    raw_low, raw_high = raw.wilson() or (np.nan, np.nan)
    worst, best = np.where(known, outcome, 0.0), np.where(known, outcome, 1.0)
    bounds_low, bounds_high = _bounds_interval(worst, best, cluster)
    weights = np.where(answered, (1 - chances) / chances, 0.0)
    effective = effective_size(weights)
    reason = _refusal(len(np.unique(cluster[answered])), effective, int((~known).sum()), len(np.unique(cluster)))
    point, low, high = _adjusted(outcome, weights, cluster) if reason is None else (np.nan,) * 3
    return RecoveryRate(
        n=len(outcome),
        n_known=raw.denominator,
        n_recovered=raw.numerator,
        n_answered=int(answered.sum()),
        effective=effective,
        raw=np.nan if raw.value is None else raw.value,
        raw_low=raw_low,
        raw_high=raw_high,
        adjusted=point,
        adjusted_low=low,
        adjusted_high=high,
        worst=float(worst.mean()),
        best=float(best.mean()),
        bounds_low=bounds_low,
        bounds_high=bounds_high,
        reason=reason,
    )


def _refusal(answering: int, effective: float, silent: int, customers: int) -> str | None:
    if customers < 2:
        return "one customer alone gives no interval"
    if silent and answering < FEWEST_ANSWERS:
        return (
            f"{answering} customers who answered cannot speak for {silent} silent attempts: {FEWEST_ANSWERS} are needed"
        )
    if silent and effective < FEWEST_EFFECTIVE:
        return f"the answers weigh as much as {effective:.0f} even ones: {FEWEST_EFFECTIVE:.0f} are needed"
    return None


def _adjusted(outcome: Floats, weights: Floats, cluster: NDArray[np.int64]) -> tuple[float, float, float]:
    """Known outcomes as they are, the silent by weighted answers, with the influence function of that sum."""
    known = ~np.isnan(outcome)
    total, silent = weights.sum(), int((~known).sum())
    spoken = np.where(known, outcome, 0.0)
    silent_mean = float((weights * spoken).sum() / total) if total else 0.0
    filled = np.where(known, spoken, silent_mean)
    point = float(filled.mean())
    influence = filled - point
    if total:
        influence = influence + silent / total * weights * (spoken - silent_mean)
    error, freedom = clustered_error(influence, cluster, len(outcome))
    low, high = interval(point, error, freedom)
    return point, max(low, 0.0), min(high, 1.0)


def _bounds_interval(worst: Floats, best: Floats, cluster: NDArray[np.int64]) -> tuple[float, float]:
    """Imbens & Manski (2004): narrower than two intervals of 95 %, because the truth cannot be beyond both ends."""
    low, high = float(worst.mean()), float(best.mean())
    errors = [clustered_error(side - side.mean(), cluster, len(side))[0] for side in (worst, best)]
    if np.isnan(errors).any() or not max(errors):
        return low, high
    normal, gap = NormalDist(), (high - low) / max(errors)
    near, far = normal.inv_cdf(0.95), normal.inv_cdf(0.975)
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if normal.cdf(middle + gap) - normal.cdf(-middle) < 0.95 else (near, middle)
    return max(low - far * errors[0], 0.0), min(high + far * errors[1], 1.0)
