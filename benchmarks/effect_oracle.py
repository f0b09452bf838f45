"""EconML's and DoubleML's answers on a made table: run by a python that has them, writes one JSON document to stdout.

`python benchmarks/effect_oracle.py > tests/unit/ml/fixtures/effect_oracle.json` in an environment of its own
(`pip install econml doubleml`): EconML and DoubleML want versions that dbt refuses. Belongs here: the table, nuisances by
scikit-learn on given folds, and both libraries' effects on them. Not here: ours (`effect_oracle_check.py`).
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

ROWS, FOLDS = 600, 5


def made() -> dict[str, Any]:
    """A confounded table: chance of treatment and outcome both follow x0; the effect differs with x1."""
    random = np.random.default_rng(20261129)
    x = random.normal(size=(ROWS, 3))
    treated = random.random(ROWS) < 1 / (1 + np.exp(-(0.7 * x[:, 0] - 0.2)))
    outcome = 2.0 + 1.5 * x[:, 0] + 0.5 * x[:, 2] + treated * (1.0 + 0.6 * x[:, 1]) + random.normal(size=ROWS)
    return {"x": x, "treated": treated.astype(int), "outcome": outcome, "fold": np.arange(ROWS) % FOLDS}


def nuisances(table: dict[str, Any]) -> dict[str, np.ndarray]:
    """Cross-fitted regressions of each arm and chances of treatment."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    x, treated, outcome, fold = (table[name] for name in ("x", "treated", "outcome", "fold"))
    mu0, mu1, chance = np.empty(ROWS), np.empty(ROWS), np.empty(ROWS)
    for place in range(FOLDS):
        out, inside = fold != place, fold == place
        mu0[inside] = LinearRegression().fit(x[out & (treated == 0)], outcome[out & (treated == 0)]).predict(x[inside])
        mu1[inside] = LinearRegression().fit(x[out & (treated == 1)], outcome[out & (treated == 1)]).predict(x[inside])
        chance[inside] = LogisticRegression(C=1e6).fit(x[out], treated[out]).predict_proba(x[inside])[:, 1]
    return {"mu0": mu0, "mu1": mu1, "chance": chance}


def by_doubleml(table: dict[str, Any], fitted: dict[str, np.ndarray], score: str, *, normalised: bool) -> list[float]:
    """Effect and standard error of DoubleML's interactive regression model on the given nuisances."""
    import doubleml
    from sklearn.dummy import DummyClassifier, DummyRegressor

    data = doubleml.DoubleMLData.from_arrays(table["x"], table["outcome"], table["treated"])
    model = doubleml.DoubleMLIRM(
        data,
        DummyRegressor(),
        DummyClassifier(),
        n_folds=FOLDS,
        score=score,
        normalize_ipw=normalised,
        draw_sample_splitting=False,
    )
    splits = [(np.flatnonzero(table["fold"] != k), np.flatnonzero(table["fold"] == k)) for k in range(FOLDS)]
    model.set_sample_splitting([splits])
    names = {"ml_g0": "mu0", "ml_g1": "mu1", "ml_m": "chance"}
    model.fit(external_predictions={"d": {name: fitted[own].reshape(-1, 1) for name, own in names.items()}})
    return [float(model.coef[0]), float(model.se[0])]


def by_econml(table: dict[str, Any]) -> float:
    """Average effect of EconML's doubly robust learner with the same models and folds."""
    from econml.dr import LinearDRLearner
    from sklearn.linear_model import LogisticRegression

    splits = [(np.flatnonzero(table["fold"] != k), np.flatnonzero(table["fold"] == k)) for k in range(FOLDS)]
    learner = LinearDRLearner(
        model_propensity=LogisticRegression(C=1e6), model_regression=_Arms(), cv=splits, min_propensity=1e-6
    )
    learner.fit(table["outcome"], table["treated"], X=table["x"])
    return float(learner.ate(table["x"], T0=0, T1=1))


class _Arms:
    """A regression of its own for each arm, as ours: EconML hands over covariates and the arm's flag side by side."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def set_params(self, **_: Any) -> _Arms:
        return self

    def fit(self, rows: np.ndarray, outcome: np.ndarray) -> _Arms:
        from sklearn.linear_model import LinearRegression

        self.arms = [
            LinearRegression().fit(rows[rows[:, -1] == arm][:, :-1], outcome[rows[:, -1] == arm]) for arm in (0, 1)
        ]
        return self

    def predict(self, rows: np.ndarray) -> np.ndarray:
        both = [arm.predict(rows[:, :-1]) for arm in self.arms]
        return np.where(rows[:, -1] == 1, both[1], both[0])


def main() -> None:
    """Write table, nuisances and answers."""
    table = made()
    fitted = nuisances(table)
    answers = {
        "doubleml_ate": by_doubleml(table, fitted, "ATE", normalised=False),
        "doubleml_att": by_doubleml(table, fitted, "ATTE", normalised=False),
        "econml_ate": by_econml(table),
    }
    document = {name: np.asarray(values).round(12).tolist() for name, values in (table | fitted).items()}
    json.dump({**document, "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
