"""What one treatment would do for each single case, learnt from few or some thousand cases.

Belongs here: individual effects of a binary treatment, the choice among ways to learn them, and their intervals. Not here:
average effects of playbooks (effect.py), which need far less data and are what is reported; nor policies (policy.py).

Three ways stand against each other: the difference of two outcome surfaces, one an arm (Kuenzel et al. 2019, "T-learner");
a linear model of doubly robust scores (Kennedy 2023, "DR-learner"); and one effect for all, as differences between cases are
often not there to be found. The last stays unless the effects of another lie clearly nearer to held-out doubly robust scores
(Mahajan et al. 2024 find this score among the most dependable for choosing). Nothing only a simulation knows is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.surfaces import Floats, Predict, Surface, choose_surface, linear, out_of_fold

FOLDS = 10
LEAST_IN_ARM = 30
_LIMITS = (0.02, 0.98)
# One effect for all stays unless another way is better by more than this many standard errors of the paired difference:
# in made cases without differences that halves the error of always taking the least risk, elsewhere it costs nothing.
_CLEARLY = 1.0


@dataclass(frozen=True)
class IndividualEffects:
    """Effects of n cases, in units of the outcome, each with a 95 % interval; and the average effect with its own.

    `way` is "surfaces", "doubly_robust" or "one_for_all"; `surfaces` names the learners of the control and the treated arm;
    `risks` are mean squared distances from held-out doubly robust scores (lower is better, noise included).
    `predict` gives the effects of other cases, covariates (m, d) as at fitting.
    """

    effect: Floats
    low: Floats
    high: Floats
    average: float
    average_low: float
    average_high: float
    way: str
    surfaces: tuple[str, str]
    risks: Mapping[str, float]
    predict: Callable[[Floats], Floats]


def individual_effects(
    covariates: Floats,
    treated: NDArray[np.bool_],
    outcome: Floats,
    *,
    propensity: Floats | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> IndividualEffects:
    """Learn each case's effect of a binary treatment on an outcome.

    covariates (n, d) known before the treatment, treated (n,), outcome (n,) all known; `propensity` (n,) where the chance of
    treatment was logged, else a logistic model of it. Intervals of cases come from refits without each tenth of the cases
    (grouped jackknife, Kott 2001): they tell how much the chosen learner wavers, not how wrong its shape may be; in trials
    92 % held the truth.
    Raises ValueError for fewer than 30 cases in an arm, unequal lengths, or unknown values.
    """
    treated = np.asarray(treated, dtype=bool)
    _check(covariates, treated, outcome)
    with _in_one_thread():
        return _learn(covariates, treated, outcome, propensity, _folds(treated, folds, seed))


def _learn(
    covariates: Floats,
    treated: NDArray[np.bool_],
    outcome: Floats,
    propensity: Floats | None,
    fold: NDArray[np.int64],
) -> IndividualEffects:
    scale = _Scale.of(covariates)
    x = scale.apply(covariates)
    arms = tuple(
        choose_surface(x[treated == arm], outcome[treated == arm], fold[treated == arm]) for arm in (False, True)
    )
    if propensity is None:
        propensity = _propensity(x, treated, fold)
    scores = _doubly_robust(x, treated, outcome, fold, arms, np.clip(propensity, *_LIMITS))
    ways = _ways(x, scores, fold, arms)
    risks = {name: (scores - out_of_fold(without, x, fold)) ** 2 for name, (_, without) in ways.items()}
    way = _choose(risks)
    predict, without = ways[way]
    # One effect for all hides how far cases may differ, so its intervals are never narrower than the surfaces' own.
    effect, half = predict(x), np.maximum(_wavering(without, x), _wavering(ways["surfaces"][1], x))
    average, wide = float(scores.mean()), 1.96 * float(scores.std(ddof=1)) / np.sqrt(len(scores))
    return IndividualEffects(
        effect=effect,
        low=effect - half,
        high=effect + half,
        average=average,
        average_low=average - wide,
        average_high=average + wide,
        way=way,
        surfaces=(arms[0].name, arms[1].name),
        risks={name: float(risk.mean()) for name, risk in risks.items()},
        predict=lambda new: predict(scale.apply(new)),
    )


def _in_one_thread() -> AbstractContextManager[object]:
    """Matrices of some hundred rows: a second thread waits more than it works (33 CPU-s instead of 0.3, two busy cores)."""
    # What is loaded after the limit is set escapes it, so everything that brings threads of its own is loaded first.
    import scipy.linalg  # noqa: F401
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


@dataclass(frozen=True)
class _Scale:
    """Centres and spreads of the covariates; a constant one becomes zero."""

    centre: Floats
    spread: Floats

    @classmethod
    def of(cls, x: Floats) -> _Scale:
        spread = x.std(0)
        return cls(x.mean(0), np.where(spread > 0, spread, 1.0))

    def apply(self, x: Floats) -> Floats:
        return np.asarray((x - self.centre) / self.spread, dtype=float)


def _check(covariates: Floats, treated: NDArray[np.bool_], outcome: Floats) -> None:
    if not len(covariates) == len(treated) == len(outcome):
        raise ValueError("covariates, treated and outcome must have one row a case")
    if not (np.isfinite(covariates).all() and np.isfinite(outcome).all()):
        raise ValueError("covariates and outcomes must all be known: leave unknown outcomes out first")
    if min(int(treated.sum()), int((~treated).sum())) < LEAST_IN_ARM:
        raise ValueError(f"individual effects need at least {LEAST_IN_ARM} cases in each arm")


def _folds(treated: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.int64]:
    """Fold numbers at random, each arm spread evenly."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(treated), dtype=np.int64)
    for arm in (False, True):
        rows = np.flatnonzero(treated == arm)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
    return fold


def _propensity(x: Floats, treated: NDArray[np.bool_], fold: NDArray[np.int64]) -> Floats:
    """Cross-fitted chance of treatment by a lightly penalised logistic model."""
    from sklearn.linear_model import LogisticRegression  # costs a second of import

    chance = np.empty(len(x))
    for k in range(int(fold.max()) + 1):
        model = LogisticRegression(C=0.1).fit(x[fold != k], treated[fold != k])
        chance[fold == k] = model.predict_proba(x[fold == k])[:, 1]
    return chance


def _doubly_robust(
    x: Floats,
    treated: NDArray[np.bool_],
    outcome: Floats,
    fold: NDArray[np.int64],
    arms: tuple[Surface, ...],
    propensity: Floats,
) -> Floats:
    """Scores whose mean given the covariates is the effect when surfaces or propensities are right (Kennedy 2023)."""
    without, within = (out_of_fold(arm.without, x, fold) for arm in arms)
    weight = np.where(treated, 1 / propensity, -1 / (1 - propensity))
    return np.asarray(within - without + weight * (outcome - np.where(treated, within, without)))


def _ways(
    x: Floats, scores: Floats, fold: NDArray[np.int64], arms: tuple[Surface, ...]
) -> dict[str, tuple[Predict, tuple[Predict, ...]]]:
    """Each way's fit on all cases and its fits without each fold; the plainest first."""
    many = range(int(fold.max()) + 1)
    kept = [fold != k for k in many]
    pairs = zip(arms[0].without, arms[1].without, strict=True)
    return {
        "one_for_all": (_constant(scores), tuple(_constant(scores[rows]) for rows in kept)),
        "surfaces": (_difference(arms[0].predict, arms[1].predict), tuple(_difference(*pair) for pair in pairs)),
        "doubly_robust": (linear(x, scores), tuple(linear(x[rows], scores[rows]) for rows in kept)),
    }


def _choose(risks: Mapping[str, Floats]) -> str:
    """The first way unless another is clearly better; among those the best."""
    first = next(iter(risks))
    gains = {name: risks[first] - risk for name, risk in risks.items() if name != first}
    clear = {
        name: float(gain.mean())
        for name, gain in gains.items()
        if gain.mean() > _CLEARLY * gain.std(ddof=1) / np.sqrt(len(gain))
    }
    return max(clear, key=lambda name: clear[name]) if clear else first


def _wavering(without: tuple[Predict, ...], x: Floats) -> Floats:
    """Half-widths of 95 % intervals from the fits without each fold, by the t distribution of folds - 1 degrees."""
    from scipy.stats import t

    fits = np.stack([predict(x) for predict in without])
    many = len(fits)
    variance = (many - 1) * fits.var(axis=0)
    return np.asarray(t.ppf(0.975, many - 1) * np.sqrt(variance))


def _difference(control: Predict, treated: Predict) -> Predict:
    return lambda new: treated(new) - control(new)


def _constant(scores: Floats) -> Predict:
    middle = float(scores.mean())
    return lambda new: np.full(len(new), middle)
