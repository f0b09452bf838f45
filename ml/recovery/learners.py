"""Regressions and classifiers behind the nuisances: a linear family and boosted trees, with one face.

Belongs here: fitting one model on some rows and reading it on others, bounded in memory. Not here: which rows
(`nuisance.py`) or what the predictions are for (`effect.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ml.recovery.logistic import CHUNK, PENALTY, Floats, Matrix, fit_logistic

Learner = Literal["logistic", "boosted"]
Predict = Callable[[Matrix], Floats]

# Beyond this many rows a classifier's coefficients move less than an estimate can feel (their error enters squared).
MOST_ROWS = 200_000
_PENALTIES = tuple(10.0**power for power in range(-1, 6))
_FEWEST = 10
_TALL = 8.0


def design(covariates: Floats, learner: Learner) -> Matrix:
    """Covariates as a learner reads them, (n, d'): for the linear family standardised and with the square of every
    number that has more than two values, so that a curved effect of value or tenure is not taken for one of treatment.
    A number with values beyond eight standard deviations gets none: a handful of rows would be all there is to it.
    """
    if learner == "boosted" or not len(covariates):
        return covariates.astype(np.float32)
    # Column by column: numpy's own deviation of the whole copies it, half a gigabyte for a million attempts.
    centre, spread = covariates.mean(axis=0), np.array([column.std() for column in covariates.T])
    spread[spread == 0] = 1.0
    tall = np.maximum(covariates.max(axis=0) - centre, centre - covariates.min(axis=0)) > _TALL * spread
    curved = [place for place in np.flatnonzero(~tall) if _has_many_values(covariates[:, place])]
    found = np.empty((len(covariates), covariates.shape[1] + len(curved)), dtype=np.float32)
    for start in range(0, len(covariates), CHUNK):
        scaled = np.clip((covariates[start : start + CHUNK] - centre) / spread, -10, 10)
        found[start : start + CHUNK] = np.hstack([scaled, (scaled[:, curved] ** 2 - 1) / 2])
    return found


def one_thread() -> AbstractContextManager[Any]:
    """Keeps the libraries below to one thread: on small samples two of them spend ten times the work on waiting."""
    # Imported first: only libraries already loaded can be held back.
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return cast(AbstractContextManager[Any], threadpool_limits(limits=1))


def fit_mean(rows: Matrix, values: Floats, learner: Learner, *, seed: int) -> Predict:
    """E[value | row] learnt from known values: logistic for values of 0 and 1 only, else ridge, or boosted trees.

    Under ten rows, or where every value is the same, it is their mean; of no rows at all it is NaN.
    """
    if len(values) < _FEWEST or np.ptp(values) == 0:
        mean = float(values.mean()) if len(values) else np.nan
        return lambda other: np.full(len(other), mean)
    if np.isin(values, (0.0, 1.0)).all():
        return _first_class(fit_classes(rows, values.astype(np.int64), 2, learner, seed=seed))
    return _boosted_mean(rows, values, seed) if learner == "boosted" else ridge(rows, values)


def fit_classes(rows: Matrix, classes: NDArray[np.int64], count: int, learner: Learner, *, seed: int) -> Predict:
    """P(class | row) as (m, count); a class no row has gets 0. Learns from at most 200,000 rows, taken at random."""
    present = np.unique(classes)
    if len(present) < 2:
        alone = np.zeros(count)
        alone[present] = 1.0
        return lambda other: np.tile(alone, (len(other), 1))
    if len(classes) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(classes), MOST_ROWS, replace=False))
        rows, classes = rows[chosen], classes[chosen]
    if len(present) == 2 and learner == "logistic":
        return _two_classes(rows, classes, present, count)
    model = _classifier(learner, seed).fit(rows, classes)

    def predict(other: Matrix) -> Floats:
        found = np.zeros((len(other), count))
        for start in range(0, len(other), CHUNK):
            found[start : start + CHUNK, model.classes_] = model.predict_proba(other[start : start + CHUNK])
        return found

    return predict


def ridge(rows: Matrix, values: Floats) -> Predict:
    """Linear regression whose penalty minimises generalised cross-validation (Golub, Heath & Wahba 1979).

    Works on the moments of the rows, gathered in chunks: memory (d, d) whatever the number of rows.
    """
    n, width = rows.shape
    centre, level = rows.mean(axis=0, dtype=np.float64), float(values.mean())
    gram, cross = np.zeros((width, width)), np.zeros(width)
    for start in range(0, n, CHUNK):
        block = rows[start : start + CHUNK] - centre
        gram += block.T @ block
        cross += block.T @ (values[start : start + CHUNK] - level)
    roots, vectors = np.linalg.eigh(gram)
    roots, turned = np.maximum(roots, 0), vectors.T @ cross
    total = float(((values - level) ** 2).sum())

    def criterion(penalty: float) -> float:
        turned_beta = turned / (roots + penalty)
        residual = total - 2 * turned_beta @ turned + (roots * turned_beta**2).sum()
        freedom = 1 + (roots / (roots + penalty)).sum()
        return float("inf") if freedom >= n else float(residual / n / (1 - freedom / n) ** 2)

    penalty = min(_PENALTIES, key=criterion)
    beta = vectors @ (turned / (roots + penalty))
    return lambda other: np.asarray(other @ beta.astype(np.float32) + (level - centre @ beta), dtype=np.float64)


def _has_many_values(column: Floats) -> bool:
    return len(np.unique(column[:1000])) > 2


def _first_class(predict: Predict) -> Predict:
    return lambda other: predict(other)[:, 1]


def _boosted_mean(rows: Matrix, values: Floats, seed: int) -> Predict:
    # Imported here: scikit-learn costs a second that the command line does not have.
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(**_trees(seed)).fit(rows, values)
    return lambda other: np.asarray(model.predict(other), dtype=np.float64)


def _two_classes(rows: Matrix, classes: NDArray[np.int64], present: NDArray[np.int64], count: int) -> Predict:
    ones = (classes == present[1]).astype(np.float64)
    model = fit_logistic(rows, ones)

    def predict(other: Matrix) -> Floats:
        found = np.zeros((len(other), count))
        found[:, present[1]] = model(other)
        found[:, present[0]] = 1 - found[:, present[1]]
        return found

    return predict


def _classifier(learner: Learner, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    if learner == "boosted":
        return HistGradientBoostingClassifier(**_trees(seed))
    return LogisticRegression(C=1 / PENALTY, solver="lbfgs", max_iter=500)


def _trees(seed: int) -> dict[str, Any]:
    return {
        "max_iter": 80,
        "learning_rate": 0.06,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 40,
        "l2_regularization": 1.0,
        "early_stopping": False,
        "random_state": seed,
    }
