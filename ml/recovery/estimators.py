"""Several estimators of one effect side by side: agreement is no proof, disagreement is a warning.

Belongs here: g-computation and weighting beside the doubly robust estimates. Not here: those themselves (`effect.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.recovery.attempts import Attempts
from ml.recovery.effect import Effect, effect
from ml.recovery.learners import Learner, design
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.pairs import TRIM, Estimand, Floats, Pair, clustered_error, interval, make_pair


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimator's answer in units of the outcome, NaN where it has none, on `n` attempts."""

    method: str
    point: float
    low: float
    high: float
    se: float
    n: int


def compare(
    attempts: Attempts,
    outcome: str,
    arm: str,
    *,
    reference: str | None = None,
    estimand: Estimand = "att",
    trim: tuple[float, float] = TRIM,
    learners: Sequence[Learner] = ("logistic", "boosted"),
    folds: int = 5,
    seed: int = 0,
) -> tuple[Estimate, ...]:
    """Naive difference, g-computation, weighting, and cross-fitted doubly robust estimates by each learner.

    All but the naive are on the attempts with overlap by their own propensities. Intervals are of the effect on these
    attempts and clustered by customer; that of weighting takes its propensities as given, which makes it wide rather
    than narrow (Lunceford & Davidian 2004).
    """
    against = attempts.arms[0] if reference is None else reference
    found: list[Estimate] = []
    for learner in learners:
        fitted = nuisances(attempts, outcome, folds=folds, seed=seed, learner=learner, arms=(against, arm))
        doubly = effect(
            attempts, outcome, arm, reference=against, estimand=estimand, trim=trim, learner=learner, fitted=fitted
        )
        if not found:
            found += _simple(attempts, outcome, doubly, fitted)
        name = "doubly robust" if learner == "logistic" else f"doubly robust, {learner}"
        found.append(Estimate(name, doubly.point, doubly.low, doubly.high, doubly.se, doubly.n_overlap))
    return tuple(found)


def g_computation(pair: Pair, rows: Floats, estimand: Estimand) -> tuple[float, Floats]:
    """Effect by one linear regression per arm, averaged over the target, and its influence (m,) on size times it.

    The influence of an observation on a regression's prediction at the target's mean is its leverage times its
    residual (the sandwich of Huber 1967); a unit of ridge keeps columns that repeat each other apart.
    """
    whom, known = pair.target(estimand), ~np.isnan(pair.values)
    size = whom.sum()
    wide = np.column_stack([np.ones(len(rows)), rows])
    asked = whom @ wide
    point, influence = 0.0, np.zeros(len(rows))
    for side, sign in ((pair.treated & known, 1.0), (~pair.treated & known, -1.0)):
        part, values = wide[side], pair.values[side]
        penalty = np.eye(wide.shape[1])
        penalty[0, 0] = 0.0
        inverse = np.linalg.pinv(part.T @ part + penalty, hermitian=True)
        beta = inverse @ (part.T @ values)
        point += sign * float(asked @ beta) / size
        influence[side] = sign * (part @ (inverse @ asked)) * (values - part @ beta)
    return point, influence


def weighting(pair: Pair, estimand: Estimand) -> tuple[float, Floats]:
    """Effect by Hajek-weighted means, and the influence (m,) of each attempt on size times it."""
    ones, zeros = pair.weights(estimand)
    size, values = pair.target(estimand).sum(), np.nan_to_num(pair.values)
    mean1, mean0 = float(ones @ values) / size, float(zeros @ values) / size
    return mean1 - mean0, ones * (values - mean1) - zeros * (values - mean0)


def _simple(attempts: Attempts, outcome: str, doubly: Effect, fitted: Nuisances) -> list[Estimate]:
    naive_se = (doubly.naive_high - doubly.naive_low) / (2 * 1.96)
    found = [Estimate("naive difference", doubly.naive, doubly.naive_low, doubly.naive_high, naive_se, doubly.n)]
    if doubly.reason is not None:
        nothing = (np.nan, np.nan, np.nan, np.nan)
        return found + [Estimate(name, *nothing, doubly.n_overlap) for name in ("g-computation", "weighting")]
    pair = make_pair(attempts, outcome, fitted, arm=doubly.arm, reference=doubly.reference, trim=doubly.trim)
    rows = design(attempts.covariates[pair.rows], "logistic").astype(np.float64)
    size = pair.target(doubly.estimand).sum()
    answers = {
        "g-computation": g_computation(pair, rows, doubly.estimand),
        "weighting": weighting(pair, doubly.estimand),
    }
    for name, (point, influence) in answers.items():
        error, freedom = clustered_error(influence, pair.cluster, size)
        found.append(Estimate(name, float(point), *interval(point, error, freedom), error, len(pair.rows)))
    return found
