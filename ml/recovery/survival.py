"""How much longer customers stay: difference in restricted mean time to churn, counting those still under watch.

Belongs here: censored times as pseudo-observations, weighted survival curves. Not here: the doubly robust estimate they
feed (`effect.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.effect import Effect, effect
from ml.recovery.learners import Learner
from ml.recovery.nuisance import nuisances
from ml.recovery.pairs import TRIM, Estimand, make_pair

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HORIZON_DAYS = 90.0
RESTRICTED = "restricted_days"


@dataclass(frozen=True, eq=False)
class Stay:
    """Difference in mean days until churn, restricted to the horizon, and the curves it is the area between.

    `effect` is in days per attempt, with the naive difference of Kaplan-Meier means beside it. `days` (k,) with
    `treated`, `reference` (k,) are shares still there, weighted to the target population; empty without an estimate.
    """

    effect: Effect
    days: Floats
    treated: Floats
    reference: Floats


def stay(
    attempts: Attempts,
    arm: str,
    *,
    reference: str | None = None,
    estimand: Estimand = "att",
    horizon: float = HORIZON_DAYS,
    trim: tuple[float, float] = TRIM,
    learner: Learner = "logistic",
    folds: int = 5,
    seed: int = 0,
) -> Stay:
    """Effect of an arm on days until churn within `horizon` days of the decision.

    Attempts too young for the horizon count with the days they were watched, by pseudo-observations within their arm
    (Andersen, Hansen & Klein 2004; Andersen & Pohar Perme 2010), which are then outcomes like any other. Assumes that
    when watching ends says nothing about churn given the arm: it ends at the date of the data. Reads the outcomes
    `days_to_churn` (NaN: not yet) and `days_observed`; raises ValueError when they are absent or negative.
    """
    against = attempts.arms[0] if reference is None else reference
    times, churned = watched(attempts, horizon)
    values = np.full(len(attempts), np.nan)
    for name in (arm, against):
        side = (attempts.arm == attempts.arm_index(name)) & ~np.isnan(times)
        values[side] = pseudo_observations(times[side], churned[side], horizon)
    timed = replace(attempts, outcomes={**attempts.outcomes, RESTRICTED: values})
    fitted = nuisances(timed, RESTRICTED, folds=folds, seed=seed, learner=learner, arms=(against, arm))
    found = effect(
        timed, RESTRICTED, arm, reference=against, estimand=estimand, trim=trim, learner=learner, fitted=fitted
    )
    if found.reason is not None:
        nothing = np.empty(0)
        return Stay(found, nothing, nothing, nothing)
    pair = make_pair(timed, RESTRICTED, fitted, arm=arm, reference=against, trim=trim)
    days = np.arange(0.0, np.floor(horizon) + 1)
    curves = [
        survival(times[pair.rows[weights > 0]], churned[pair.rows[weights > 0]], days, weights[weights > 0])
        for weights in pair.weights(estimand)
    ]
    return Stay(found, days, *curves)


def watched(attempts: Attempts, horizon: float) -> tuple[Floats, Flags]:
    """Days until churn or until watching ended, at most the horizon, and whether it was churn; NaN where nobody knows
    how long it was watched."""
    lost, seen = attempts.outcome("days_to_churn"), attempts.outcome("days_observed")
    if (lost < 0).any() or (seen < 0).any():
        raise ValueError("days_to_churn and days_observed must not be negative")
    churned = ~np.isnan(lost) & (lost <= horizon)
    return np.where(churned, lost, np.minimum(seen, horizon)), churned


def pseudo_observations(times: Floats, churned: Flags, horizon: float) -> Floats:
    """What each subject adds to the restricted mean, (n,): its mean is that of Kaplan and Meier, and without censoring
    it is min(time, horizon).

    By the infinitesimal jackknife: with Y(t) at risk, d(t) lost and A(t) the area under the curve beyond t, subject i
    has theta - n (1(lost) A(T_i) / Y(T_i) - sum over t <= T_i of A(t) d(t) / Y(t)^2).
    """
    n = len(times)
    if not n:
        return np.empty(0)
    moments, place = np.unique(times, return_inverse=True)
    lost = np.bincount(place, weights=churned, minlength=len(moments))
    at_risk = n - np.concatenate([[0.0], np.cumsum(np.bincount(place, minlength=len(moments)))[:-1]])
    left = np.cumprod(1 - lost / at_risk)
    steps = np.diff(np.append(np.minimum(moments, horizon), horizon))
    area = np.cumsum((left * steps)[::-1])[::-1]
    # One who is lost last takes the curve to zero with them; the area beyond is then zero and so is their own.
    before = np.divide(area, 1 - lost / at_risk, out=np.zeros_like(area), where=lost < at_risk)
    mean = float(min(moments[0], horizon) + area[0])
    drift = np.cumsum(before * lost / at_risk**2)
    return np.asarray(mean - n * (churned * (before / at_risk)[place] - drift[place]))


def survival(times: Floats, churned: Flags, days: Floats, weights: Floats) -> Floats:
    """Kaplan-Meier share still there at the end of each day, weighted (Cole & Hernan 2004), (k,)."""
    moments, place = np.unique(times, return_inverse=True)
    lost = np.bincount(place, weights=weights * churned, minlength=len(moments))
    at_risk = np.cumsum(np.bincount(place, weights=weights, minlength=len(moments))[::-1])[::-1]
    left = np.concatenate([[1.0], np.cumprod(np.clip(1 - lost / at_risk, 0, 1))])
    return np.asarray(left[np.searchsorted(moments, days, side="right")])
