"""The learners behind an effect: equal to the libraries' where these exist, and sane where data are thin."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ml.recovery.learners import design, fit_classes, fit_mean, ridge
from ml.recovery.logistic import fit_logistic


def sample(n: int = 600, width: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, a binary and a continuous outcome of the first three columns."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(n, width)).astype(np.float32)
    score = rows[:, :3] @ np.array([1.0, -0.7, 0.4])
    ones = (random.random(n) < 1 / (1 + np.exp(-score))).astype(np.float64)
    return rows, ones, 50 * score + random.normal(scale=20, size=n)


@pytest.mark.parametrize("penalty", [1.0, 10.0, 300.0])
def test_logistic_regression_is_that_of_the_library(penalty: float) -> None:
    rows, ones, _ = sample()
    ours = fit_logistic(rows, ones, penalty)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(rows.astype(np.float64), ones)
    assert np.allclose(ours.slopes, theirs.coef_[0], atol=1e-4)
    assert np.allclose(ours(rows), theirs.predict_proba(rows.astype(np.float64))[:, 1], atol=1e-4)


def test_outcomes_told_apart_perfectly_still_have_finite_chances() -> None:
    rows = np.linspace(-2, 2, 50, dtype=np.float32)[:, None]
    model = fit_logistic(rows, (rows[:, 0] > 0).astype(np.float64))
    assert np.isfinite(model.slopes).all() and 0.5 < model(rows)[-1] < 1


def test_ridge_at_its_penalty_is_that_of_the_library_and_predicts_unseen_rows() -> None:
    rows, _, values = sample()
    found = ridge(rows[:400], values[:400])(rows[400:])
    near = [
        np.abs(found - Ridge(alpha=10.0**power).fit(rows[:400], values[:400]).predict(rows[400:])).max()
        for power in range(-1, 6)
    ]
    assert min(near) < 1e-2
    assert np.mean((found - values[400:]) ** 2) < 1.15 * 20**2


def test_ridge_with_more_columns_than_rows_does_not_chase_noise() -> None:
    random = np.random.default_rng(1)
    rows, values = random.normal(size=(40, 80)).astype(np.float32), random.normal(size=40)
    assert np.std(ridge(rows, values)(random.normal(size=(500, 80)).astype(np.float32))) < 0.7


@pytest.mark.parametrize("learner", ["logistic", "boosted"])
def test_chances_of_classes_sum_to_one_and_an_absent_class_has_none(learner: str) -> None:
    rows, ones, _ = sample()
    classes = np.where(ones == 1, 3, np.where(rows[:, 0] > 1, 1, 0)).astype(np.int64)
    found = fit_classes(rows, classes, 5, learner, seed=0)(rows)  # type: ignore[arg-type]
    assert np.allclose(found.sum(axis=1), 1.0)
    assert not found[:, [2, 4]].any()
    two = fit_classes(rows, np.where(ones == 1, 3, 0).astype(np.int64), 5, learner, seed=0)(rows)  # type: ignore[arg-type]
    assert np.allclose(two[:, 0] + two[:, 3], 1.0)


def test_a_mean_of_few_or_equal_values_is_a_constant_and_of_none_unknown() -> None:
    rows, _, values = sample(20)
    assert (fit_mean(rows[:3], values[:3], "logistic", seed=0)(rows) == values[:3].mean()).all()
    assert (fit_mean(rows, np.ones(20), "boosted", seed=0)(rows) == 1).all()
    assert np.isnan(fit_mean(rows[:0], values[:0], "logistic", seed=0)(rows)).all()


@pytest.mark.parametrize("learner", ["logistic", "boosted"])
def test_a_binary_mean_is_a_chance(learner: str) -> None:
    rows, ones, _ = sample()
    found = fit_mean(rows, ones, learner, seed=0)(rows)  # type: ignore[arg-type]
    assert (found > 0).all() and (found < 1).all()
    assert np.corrcoef(found, ones)[0, 1] > 0.3


def test_numbers_get_their_squares_and_flags_do_not() -> None:
    random = np.random.default_rng(0)
    covariates = np.column_stack([random.gamma(2, 100, 300), random.random(300) < 0.3]).astype(np.float64)
    rows = design(covariates, "logistic")
    assert rows.shape == (300, 3)
    assert np.allclose(rows[:, :2].mean(axis=0), 0, atol=1e-3) and np.allclose(rows[:, 2], (rows[:, 0] ** 2 - 1) / 2)
    assert design(covariates, "boosted").shape == (300, 2)
