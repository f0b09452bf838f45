"""Two arms side by side: the attempts that got one or the other, and whose chances of both are real.

Belongs here: who is compared with whom (maturity, overlap), weights towards the target population, clustered errors.
Not here: predictions (`nuisance.py`), or estimates (`effect.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.recovery.attempts import Attempts
from ml.recovery.nuisance import Nuisances

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Estimand = Literal["att", "ate"]
TRIM = (0.02, 0.98)


@dataclass(frozen=True, eq=False)
class Pair:
    """m attempts with one of two arms whose outcome is due and whose chances overlap.

    `rows` are their places among all attempts. `chance` (m,) is that of the arm against the reference, given one of
    the two; `mu1`, `mu0` expected outcomes, `known1`, `known0` chances of being known. `n_pair` counts the attempts
    before trimming, `n_trimmed` and `n_trimmed_treated` those without overlap, `n_immature` those too young.
    """

    rows: NDArray[np.int64]
    treated: Flags
    values: Floats
    chance: Floats
    mu1: Floats
    mu0: Floats
    known1: Floats
    known0: Floats
    cluster: NDArray[np.int64]
    n_pair: int
    n_trimmed: int
    n_trimmed_treated: int
    n_immature: int

    def take(self, index: NDArray[np.int64] | Flags) -> Pair:
        """Some of the attempts; the counts stay those of the whole pair."""
        arrays = ("rows", "treated", "values", "chance", "mu1", "mu0", "known1", "known0", "cluster")
        return replace(self, **{name: getattr(self, name)[index] for name in arrays})

    def target(self, estimand: Estimand) -> Floats:
        """1 for the attempts an estimand is about, (m,): those treated, or all."""
        return self.treated.astype(np.float64) if estimand == "att" else np.ones(len(self.treated))

    def weights(self, estimand: Estimand) -> tuple[Floats, Floats]:
        """Weights of treated and of reference attempts with known outcomes, (m,) each, that make either stand for the
        target: inverse chances of the arm and of being known, scaled to the target's size (Hajek 1971)."""
        known, size = ~np.isnan(self.values), self.target(estimand).sum()
        odds = self.chance / (1 - self.chance)
        up = 1.0 if estimand == "att" else 1 / self.chance
        down = odds if estimand == "att" else 1 / (1 - self.chance)
        ones = np.where(self.treated & known, up / self.known1, 0.0)
        zeros = np.where(~self.treated & known, down / self.known0, 0.0)
        return _scaled(ones, size), _scaled(zeros, size)


def make_pair(
    attempts: Attempts,
    outcome: str,
    fitted: Nuisances,
    *,
    arm: str,
    reference: str,
    trim: tuple[float, float] = TRIM,
) -> Pair:
    """The attempts with `arm` or `reference` whose chance of `arm` among the two lies within `trim`, ends included, and
    who are not `alone`."""
    one, zero = attempts.arm_index(arm), attempts.arm_index(reference)
    rows, treated, chance = chances(attempts, outcome, fitted, arm=arm, reference=reference)
    inside = (chance >= trim[0]) & (chance <= trim[1]) & (chance > 0) & (chance < 1)
    inside &= ~alone(attempts, rows, treated)
    kept = rows[inside]
    return Pair(
        rows=kept,
        treated=treated[inside],
        values=attempts.outcome(outcome)[kept],
        chance=chance[inside],
        mu1=fitted.mu[kept, one],
        mu0=fitted.mu[kept, zero],
        known1=fitted.known[kept, one],
        known0=fitted.known[kept, zero],
        cluster=attempts.cluster[kept],
        n_pair=len(rows),
        n_trimmed=int((~inside).sum()),
        n_trimmed_treated=int((~inside & treated).sum()),
        n_immature=int(np.isin(attempts.arm, (one, zero)).sum()) - len(rows),
    )


def chances(
    attempts: Attempts, outcome: str, fitted: Nuisances, *, arm: str, reference: str
) -> tuple[NDArray[np.int64], Flags, Floats]:
    """Places of the attempts with one of two arms whose outcome is due, whether it is `arm`, and its chance among the
    two (0 where neither could be), (k,) each."""
    one, zero = attempts.arm_index(arm), attempts.arm_index(reference)
    rows = np.flatnonzero(np.isin(attempts.arm, (one, zero)) & attempts.due(outcome))
    both = fitted.propensity[rows, one] + fitted.propensity[rows, zero]
    chance = np.divide(fitted.propensity[rows, one], both, out=np.zeros(len(rows)), where=both > 0)
    return rows, attempts.arm[rows] == one, chance


def alone(attempts: Attempts, rows: NDArray[np.int64], treated: Flags) -> Flags:
    """Which of these attempts have a level or a flag that nobody in the other arm has, and not by accident, (k,).

    A rule such as "never nothing for the vulnerable" concerns too few for a smooth propensity to reach 1, yet whoever
    it covers has nobody to be compared with. Accident is held to be ruled out below one in a hundred.
    """
    found = np.zeros(len(rows), dtype=np.bool_)
    if not 0 < treated.sum() < len(rows):
        return found
    shares = {True: float(treated.mean()), False: float((~treated).mean())}
    for place in range(attempts.covariates.shape[1]):
        column = attempts.covariates[rows, place]
        if not np.isin(column[:1000], (0.0, 1.0)).all() or not np.isin(column, (0.0, 1.0)).all():
            continue
        for flag in (column == 1, column == 0):
            with_arm = int((flag & treated).sum())
            with_reference = int(flag.sum()) - with_arm
            if min(with_arm, with_reference) == 0 and shares[with_arm > 0] ** (with_arm + with_reference) < 0.01:
                found |= flag
    return found


def clustered_error(influence: Floats, cluster: NDArray[np.int64], size: float) -> tuple[float, float]:
    """Standard error of sum(influence) / size with any dependence within a customer, and its degrees of freedom.

    The correction G / (G - 1) is that of few clusters; degrees of freedom are the number of customers that carry the
    variance, (sum s2)^2 / sum s2^2 (Satterthwaite 1946 with one for each customer), so that a few rich ones widen it.
    """
    sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=influence)
    squares = sums**2
    if len(sums) < 2 or not squares.any():
        return (0.0, np.inf) if len(sums) > 1 else (np.nan, 1.0)
    error = float(np.sqrt(squares.sum() * len(sums) / (len(sums) - 1)) / size)
    return error, max(float(squares.sum() ** 2 / (squares**2).sum()), 1.0)


def interval(point: float, error: float, freedom: float, level: float = 0.95) -> tuple[float, float]:
    """Two-sided interval by Student's t."""
    width = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    return float(point - width), float(point + width)


def effective_size(weights: Floats) -> float:
    """How many equally weighted rows these weights are worth (Kish 1965)."""
    total = float((weights**2).sum())
    return float(weights.sum() ** 2 / total) if total else 0.0


def _scaled(weights: Floats, size: float) -> Floats:
    total = weights.sum()
    return weights * (size / total) if total else weights
