"""What a playbook changed: its effect on those it was used for, with an interval, and the naive difference beside it.

Belongs here: doubly robust estimates of one arm against another. Not here: whether to believe them (`overlap.py`,
`placebo.py`, `sensitivity.py`, `verdict.py`) or for whom they are larger (`heterogeneity.py`).

The method is augmented inverse probability weighting (Robins, Rotnitzky & Zhao 1994), cross-fitted (Chernozhukov et
al. 2018), for several arms after Cattaneo (2010) and Farrell (2015). Formulas are in docs/effects.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.learners import Learner
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.pairs import TRIM, Estimand, Flags, Floats, Pair, clustered_error, effective_size, interval, make_pair

Target = Literal["sample", "population"]

# Fewer known outcomes on one side than this, or a reference worth fewer after weighting, and there is no estimate.
FEWEST = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Effect:
    """An effect in units of the outcome, and on whom it is.

    `point`, `low`, `high`, `se` are NaN with a `reason` where the data do not allow an estimate. `n` attempts got one
    of the two arms and were due; `n_overlap` of them could have got either and are counted, `n_trimmed` not.
    `n_treated`, `n_reference` count the arms within overlap, `n_unknown` the unknown outcomes there. `per_case` (all
    attempts given) is the expected effect of each one in the target and NaN elsewhere; it sums to `total` exactly.
    `naive` is the plain difference of known means before trimming, with its own interval.
    """

    outcome: str
    arm: str
    reference: str
    estimand: Estimand
    target: Target
    learner: Learner
    trim: tuple[float, float]
    point: float
    low: float
    high: float
    se: float
    n: int
    n_treated: int
    n_reference: int
    n_overlap: int
    n_trimmed: int
    n_trimmed_treated: int
    n_unknown: int
    n_immature: int
    effective_reference: float
    naive: float
    naive_low: float
    naive_high: float
    per_case: Floats
    reason: str | None = None

    @property
    def size(self) -> int:
        """Attempts the effect is about."""
        return self.n_treated if self.estimand == "att" else self.n_overlap

    @property
    def total(self) -> float:
        """Sum over the attempts it is about: for margin, the revenue saved."""
        return self.size * self.point

    @property
    def total_low(self) -> float:
        """Lower end of the total."""
        return self.size * self.low

    @property
    def total_high(self) -> float:
        """Upper end of the total."""
        return self.size * self.high

    @property
    def population(self) -> str:
        """On whom the estimate is, in words."""
        who = f"attempts with {self.arm}" if self.estimand == "att" else f"attempts with {self.arm} or {self.reference}"
        low, high = self.trim
        return (
            f"{self.size} {who} that could have got either (chance of {self.arm} against {self.reference} between {low:g} "
            f"and {high:g}); {self.n_trimmed} of {self.n} could not and are not counted"
        )


def scores(attempts: Attempts, outcome: str, fitted: Nuisances, *, floor: float = 0.01) -> Floats:
    """Doubly robust pseudo-outcome of every arm, (n, arms): its mean over any group estimates what that group would
    have had under the arm.

    psi_a = mu_a + 1(A = a) R / (p_a r_a) (Y - mu_a), with R for a known outcome and r_a its chance. Chances of an arm
    count as at least `floor`. Attempts not due yet have NaN: their outcome is not even missing.
    """
    values, due = attempts.outcome(outcome), attempts.due(outcome)
    found = np.where(due[:, None], fitted.mu, np.nan)
    rows = np.flatnonzero(due & ~np.isnan(values))
    arm = attempts.arm[rows]
    chance = np.maximum(fitted.propensity[rows, arm], floor) * fitted.known[rows, arm]
    found[rows, arm] += (values[rows] - fitted.mu[rows, arm]) / chance
    return np.asarray(found, dtype=np.float64)


def effect(
    attempts: Attempts,
    outcome: str,
    arm: str,
    *,
    reference: str | None = None,
    estimand: Estimand = "att",
    target: Target = "sample",
    trim: tuple[float, float] = TRIM,
    learner: Learner = "logistic",
    folds: int = 5,
    seed: int = 0,
    repeats: int = 1,
    fitted: Nuisances | None = None,
) -> Effect:
    """Effect of an arm against the reference on the attempts that got it ("att"), or got either ("ate").

    `target` says what the interval is to cover: the mean effect on these very attempts ("sample": what recovery saved
    here), or on all that such attempts were drawn from ("population": what it would save again), which is wider by the
    spread of effects. Nuisances are fitted on the two arms, or taken from `fitted`. With an odd number of `repeats` the
    median over as many splits is given, its error widened by their spread (Chernozhukov et al. 2018, section 3.4).
    Raises ValueError for unknown names, an arm that is the reference, or an even number of repeats.
    """
    against = attempts.arms[0] if reference is None else reference
    if attempts.arm_index(arm) == attempts.arm_index(against):
        raise ValueError(f"playbook {arm!r} cannot be compared with itself")
    if repeats < 1 or repeats % 2 == 0:
        raise ValueError(f"the median over splits needs an odd number of repeats, not {repeats}")
    found = []
    for split in range(repeats if fitted is None else 1):
        predicted = fitted or nuisances(
            attempts, outcome, folds=folds, seed=seed + split, learner=learner, arms=(against, arm)
        )
        pair = make_pair(attempts, outcome, predicted, arm=arm, reference=against, trim=trim)
        found.append(_estimate(attempts, pair, outcome, arm, against, estimand, target, trim, learner))
    return _median(found)


def effect_terms(pair: Pair, estimand: Estimand, target: Target) -> tuple[float, Floats]:
    """Point of the estimate and the influence (m,) of each attempt on sum(target) times it.

    With h the target and weights w1, w0 scaled to its size H: theta = (sum h (mu1 - mu0) + sum w1 (Y - mu1)
    - sum w0 (Y - mu0)) / H. Around the effect on these attempts only the residuals vary; around that of the population
    the expected effects do as well.
    """
    whom, (ones, zeros) = pair.target(estimand), pair.weights(estimand)
    size, expected = whom.sum(), pair.mu1 - pair.mu0
    left1 = np.where(ones > 0, pair.values - pair.mu1, 0.0)
    left0 = np.where(zeros > 0, pair.values - pair.mu0, 0.0)
    mean1, mean0, mean = (ones @ left1) / size, (zeros @ left0) / size, (whom @ expected) / size
    influence = ones * (left1 - mean1) - zeros * (left0 - mean0)
    if target == "population":
        influence = influence + whom * (expected - mean)
    return float(mean + mean1 - mean0), influence


def naive_difference(values: Floats, treated: Flags, cluster: NDArray[np.int64]) -> tuple[float, float, float]:
    """Difference of known means with its 95 % interval by clustered errors: what a dashboard would show."""
    known = ~np.isnan(values)
    sides = [known & treated, known & ~treated]
    if min(side.sum() for side in sides) < 2:
        return np.nan, np.nan, np.nan
    means = [float(values[side].mean()) for side in sides]
    signs = np.where(treated, 1.0 / sides[0].sum(), -1.0 / sides[1].sum())
    left = np.where(known, signs * (values - np.where(treated, means[0], means[1])), 0.0)
    point = means[0] - means[1]
    return point, *interval(point, *clustered_error(left, cluster, 1.0))


def _estimate(
    attempts: Attempts,
    pair: Pair,
    outcome: str,
    arm: str,
    reference: str,
    estimand: Estimand,
    target: Target,
    trim: tuple[float, float],
    learner: Learner,
) -> Effect:
    one, zero = attempts.arm_index(arm), attempts.arm_index(reference)
    known = attempts.due(outcome) & np.isin(attempts.arm, (one, zero))
    naive = naive_difference(attempts.outcome(outcome)[known], attempts.arm[known] == one, attempts.cluster[known])
    reason, effective = _shortage(pair, estimand)
    per_case, point, error, ends = np.full(len(attempts), np.nan), np.nan, np.nan, (np.nan, np.nan)
    if reason is None:
        point, influence = effect_terms(pair, estimand, target)
        error, freedom = clustered_error(influence, pair.cluster, pair.target(estimand).sum())
        ends = interval(point, error, freedom)
        whom = pair.target(estimand) > 0
        expected = (pair.mu1 - pair.mu0)[whom]
        per_case[pair.rows[whom]] = expected + (point - expected.mean())
    return Effect(
        outcome=outcome,
        arm=arm,
        reference=reference,
        estimand=estimand,
        target=target,
        learner=learner,
        trim=trim,
        point=point,
        low=ends[0],
        high=ends[1],
        se=error,
        n=pair.n_pair,
        n_treated=int(pair.treated.sum()),
        n_reference=int((~pair.treated).sum()),
        n_overlap=len(pair.rows),
        n_trimmed=pair.n_trimmed,
        n_trimmed_treated=pair.n_trimmed_treated,
        n_unknown=int(np.isnan(pair.values).sum()),
        n_immature=pair.n_immature,
        effective_reference=effective,
        naive=naive[0],
        naive_low=naive[1],
        naive_high=naive[2],
        per_case=per_case,
        reason=reason,
    )


def _shortage(pair: Pair, estimand: Estimand) -> tuple[str | None, float]:
    """Why there is no estimate, if so, and the effective number of reference attempts."""
    known = ~np.isnan(pair.values)
    treated, reference = int((known & pair.treated).sum()), int((known & ~pair.treated).sum())
    if min(treated, reference) < FEWEST:
        short = f"{treated} treated and {reference} reference attempts with known outcomes and overlap"
        return f"not enough data: {short}, {FEWEST} of each are needed", 0.0
    if np.isnan(pair.mu1).any() or np.isnan(pair.mu0).any():
        return "not enough data: in some split nobody had a known outcome under one of the arms", 0.0
    effective = effective_size(pair.weights(estimand)[1])
    if effective < FEWEST:
        return f"not enough data: the reference is worth {effective:.0f} attempts, {FEWEST} are needed", effective
    return None, effective


def _median(found: list[Effect]) -> Effect:
    usable = [one for one in found if one.reason is None]
    if len(found) == 1 or len(usable) < len(found):
        return next((one for one in found if one.reason is not None), found[0])
    middle = sorted(usable, key=lambda one: one.point)[len(usable) // 2]
    error = float(np.sqrt(np.median([one.se**2 + (one.point - middle.point) ** 2 for one in usable])))
    ratio = error / middle.se if middle.se else 1.0
    low, high = (middle.point + (end - middle.point) * ratio for end in (middle.low, middle.high))
    return replace(middle, se=error, low=low, high=high)
