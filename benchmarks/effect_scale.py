"""A million cases: four playbooks, thirty covariates, the effect of each on the treated; ours and the other way in children.

Belongs here: the made table, both ways, and measuring them. Not here: the closing line (effect.py).
`python benchmarks/effect_scale.py ours|plain|econml CASES` is one child; econml runs under `AMENDS_ORACLE_PYTHON`, so nothing
but numpy is imported before the way is known.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.harness import Child

ARMS, WIDTH = 4, 30


def made(cases: int) -> tuple[Any, Any, Any]:
    """Covariates (n, 30), arm (n,), outcome (n,): choice and outcome both follow the first covariates."""
    random = np.random.default_rng(11)
    x = random.normal(size=(cases, WIDTH))
    pull = np.column_stack([np.zeros(cases), 0.6 * x[:, 0], 0.5 * x[:, 1] - 0.2, 0.4 * x[:, 0] + 0.4 * x[:, 2]])
    chance = np.exp(pull) / np.exp(pull).sum(axis=1, keepdims=True)
    arm = (random.random((cases, 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
    outcome = 10 * x[:, 0] + 5 * x[:, 1] + np.array([0.0, 4.0, 2.0, 1.0])[arm] + 8 * random.normal(size=cases)
    return x, arm, outcome


def compare(cases: int) -> tuple[Child, Child, str]:
    """What ours took, what the other way took, and its name."""
    from benchmarks.harness import child

    python = os.environ.get("AMENDS_ORACLE_PYTHON")
    other = ("econml", "EconML LinearDRLearner") if python else ("plain", "scikit-learn fitted the plain way")
    ours = child(["-m", "benchmarks.effect_scale", "ours", str(cases)])
    theirs = child(["-c", _UNDER, python, __file__, other[0], str(cases)] if python else
                   ["-m", "benchmarks.effect_scale", other[0], str(cases)])  # fmt: skip
    return ours, theirs, other[1]


# The child that is measured waits for the other python, whose time and memory then count as its own.
_UNDER = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"


def ours(cases: int) -> None:
    """One set of nuisances, then the effect of each playbook on those treated."""
    from ml.recovery.attempts import Attempts
    from ml.recovery.effect import effect
    from ml.recovery.nuisance import nuisances

    x, arm, outcome = made(cases)
    attempts = Attempts(
        ids=np.arange(cases).astype(np.str_), cluster=np.arange(cases, dtype=np.int64) // 2,
        arms=("none", "a", "b", "c"), arm=arm.astype(np.int64), covariates=x,
        names=tuple(f"x{k}" for k in range(WIDTH)), outcomes={"money": outcome}, groups={},
        anchored_at=np.full(cases, np.datetime64("2026-01-01")),
    )  # fmt: skip
    fitted = nuisances(attempts, "money")
    for name, true in (("a", 4.0), ("b", 2.0), ("c", 1.0)):
        found = effect(attempts, "money", name, fitted=fitted)
        if abs(found.point - true) > 5 * found.se:
            raise SystemExit(f"{name}: {found.point} is not {true}")


def plain(cases: int) -> None:
    """Cross-fitted doubly robust scores as a tutorial would write them."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    x, arm, outcome = made(cases)
    fold, scores = np.arange(cases) % 5, np.empty((cases, ARMS))
    for k in range(5):
        out, inside = fold != k, fold == k
        chance = LogisticRegression(max_iter=200).fit(x[out], arm[out]).predict_proba(x[inside])
        for a in range(ARMS):
            mu = LinearRegression().fit(x[out & (arm == a)], outcome[out & (arm == a)]).predict(x[inside])
            scores[inside, a] = mu + (arm[inside] == a) / chance[:, a] * (outcome[inside] - mu)
    for a in range(1, ARMS):
        print((scores[:, a] - scores[:, 0]).mean())


def econml(cases: int) -> None:
    """EconML's learner with the same kinds of models and five folds."""
    from econml.dr import LinearDRLearner
    from sklearn.linear_model import LinearRegression, LogisticRegression

    x, arm, outcome = made(cases)
    learner = LinearDRLearner(
        model_propensity=LogisticRegression(max_iter=200), model_regression=LinearRegression(), cv=5
    )
    learner.fit(outcome, arm, X=x)
    for a in range(1, ARMS):
        print(learner.ate(x, T0=0, T1=a))


if __name__ == "__main__":
    {"ours": ours, "plain": plain, "econml": econml}[sys.argv[1]](int(sys.argv[2]))
