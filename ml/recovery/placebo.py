"""Effects that must not exist: on what came before the action, and of actions dealt out at random.

Belongs here: placebo outcome and placebo treatment. Not here: what a failed placebo does to the wording (`verdict.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.recovery.attempts import Attempts
from ml.recovery.effect import effect
from ml.recovery.learners import Learner
from ml.recovery.nuisance import nuisances
from ml.recovery.pairs import Estimand, make_pair

SIGNIFICANCE = 0.05
_STRATA, _MOST_ROWS = 10, 20_000


@dataclass(frozen=True, slots=True)
class Placebo:
    """A test that should find nothing.

    For the outcome: `point` with `low`, `high` is the "effect" on margin before the action, `p_value` that of no
    effect. For the treatment: `point` is the mean effect of labels dealt out at random, `low`, `high` the middle 95 %
    of them, `p_value` how often chance alone is as large as the real estimate, and `false_alarms` the share of random
    labels found significant at 5 %. `passes` is None with a `reason` where the data do not allow the test.
    """

    kind: Literal["outcome", "treatment"]
    point: float
    low: float
    high: float
    p_value: float
    n: int
    passes: bool | None
    false_alarms: float | None = None
    draws: int | None = None
    reason: str | None = None


def placebo_outcome(
    attempts: Attempts,
    arm: str,
    *,
    outcome: str = "placebo",
    reference: str | None = None,
    estimand: Estimand = "att",
    learner: Learner = "logistic",
    seed: int = 0,
) -> Placebo:
    """The "effect" on margin of days -56 to -29, before anybody acted: it passes when its interval holds zero.

    What differs already then, given the covariates, will differ afterwards without any action (Imbens & Rubin 2015,
    section 21.3). Raises ValueError for unknown names.
    """
    found = effect(
        attempts,
        outcome,
        arm,
        reference=reference,
        estimand=estimand,
        target="population",
        learner=learner,
        seed=seed,
    )
    if found.reason is not None:
        return Placebo("outcome", np.nan, np.nan, np.nan, np.nan, found.n_overlap, None, reason=found.reason)
    p_value = float(2 * stats.norm.sf(abs(found.point) / found.se)) if found.se else 1.0
    return Placebo(
        "outcome", found.point, found.low, found.high, p_value, found.n_overlap, bool(found.low <= 0 <= found.high)
    )


def placebo_treatment(
    attempts: Attempts,
    outcome: str,
    arm: str,
    *,
    reference: str | None = None,
    estimand: Estimand = "att",
    learner: Learner = "logistic",
    draws: int = 40,
    seed: int = 0,
) -> Placebo:
    """Effects when the two arms' labels are dealt out anew among attempts of like chances, everything fitted again.

    Labels are permuted within tenths of the propensity, so that who tends to be treated stays as it was (Rosenbaum
    1984). It passes when random labels are significant at 5 % no more often than chance allows for this many draws;
    the p value of the real estimate is (1 + draws at least as large) / (1 + draws). Beyond 20,000 attempts a random
    20,000 are used. Raises ValueError for unknown names.
    """
    against = attempts.arms[0] if reference is None else reference
    random = np.random.default_rng(seed)
    some = _fewer(attempts, outcome, (arm, against), random)
    fitted = nuisances(some, outcome, learner=learner, seed=seed, arms=(against, arm))
    real = effect(some, outcome, arm, reference=against, estimand=estimand, learner=learner, fitted=fitted)
    if real.reason is not None:
        return Placebo("treatment", np.nan, np.nan, np.nan, np.nan, real.n_overlap, None, reason=real.reason)
    pair = make_pair(some, outcome, fitted, arm=arm, reference=against)
    within = replace(some.take(pair.rows), propensity=None)
    strata = np.searchsorted(np.quantile(pair.chance, np.linspace(0, 1, _STRATA + 1)[1:-1]), pair.chance)
    points, alarms = [], []
    for draw in range(draws):
        dealt = replace(within, arm=_permuted(within.arm, strata, random))
        one = effect(dealt, outcome, arm, reference=against, estimand=estimand, learner=learner, seed=seed + draw)
        if one.reason is None:
            points.append(one.point)
            alarms.append(one.low > 0 or one.high < 0)
    return _judged(np.asarray(points), np.asarray(alarms), real.point, len(pair.rows))


def _judged(points: NDArray[np.float64], alarms: NDArray[np.bool_], real: float, n: int) -> Placebo:
    if not len(points):
        reason = "not enough data: no random labels allowed an estimate"
        return Placebo("treatment", np.nan, np.nan, np.nan, np.nan, n, None, draws=0, reason=reason)
    low, high = np.quantile(points, [0.025, 0.975])
    p_value = (1 + (np.abs(points) >= abs(real)).sum()) / (1 + len(points))
    allowed = stats.binom.ppf(0.99, len(points), SIGNIFICANCE)
    return Placebo(
        "treatment",
        float(points.mean()),
        float(low),
        float(high),
        float(p_value),
        n,
        bool(alarms.sum() <= allowed),
        false_alarms=float(alarms.mean()),
        draws=len(points),
    )


def _fewer(attempts: Attempts, outcome: str, arms: tuple[str, str], random: np.random.Generator) -> Attempts:
    of_two = np.isin(attempts.arm, [attempts.arm_index(arm) for arm in arms])
    rows = np.flatnonzero(of_two & attempts.due(outcome))
    if len(rows) > _MOST_ROWS:
        rows = np.sort(random.choice(rows, _MOST_ROWS, replace=False))
    return attempts.take(rows)


def _permuted(arm: NDArray[np.int64], strata: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    order = np.lexsort((np.arange(len(arm)), strata))
    shuffled = np.lexsort((random.random(len(arm)), strata))
    dealt = np.empty_like(arm)
    dealt[order] = arm[shuffled]
    return dealt
