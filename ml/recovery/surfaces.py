"""Outcome surfaces of one arm: what outcome a case with given covariates would have, by learners for small and middle data.

Belongs here: regressions of one outcome on covariates within one arm, and choosing among them by cross-validation. Not
here: anything about treatments (individual.py) or averages with intervals (effect.py).

Every learner is `fit(x, y) -> predict`, with x (n, d) already on a common scale, y (n,) in any unit, predict: (m, d) -> (m,).
A skewed outcome (money, times) is often linear in its logarithm while its noise is not, so a Gaussian model with a log
link stands beside the linear one (McCullagh and Nelder 1989, chapter 2: no transform of the outcome, zero and negative
values stay). What a parametric shape leaves over is taken up by a Gaussian process (Rasmussen and Williams 2006, sections
2.7 and 5.4) while an arm is small, and by boosted trees where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]
Fit = Callable[[Floats, Floats], Predict]

_PENALTIES = np.logspace(-2, 4, 13)
# The log link's penalties are on outcomes in units of their own spread; beyond this range nothing changed in trials.
_LOG_PENALTIES = (0.003, 0.03)
# An exponential may not leave the outcomes seen by more than this factor: it would rule every mean it enters.
_LARGEST_FACTOR = 3.0
# A process costs the cube of its rows: 0.05 CPU-s at 600, 0.2 s at 1,200.
GP_LARGEST = 1_200
_GP_SEARCH_ROWS = 400
BOOSTED_SMALLEST = 1_000


def linear(x: Floats, y: Floats) -> Predict:
    """Ridge regression, its penalty by leave-one-out in closed form (Hoerl and Kennard 1970)."""
    from sklearn.linear_model import RidgeCV  # costs a second of import

    model = RidgeCV(_PENALTIES).fit(x, y)
    return lambda new: np.asarray(model.predict(new), dtype=float)


def log_linear(penalty: float) -> Fit:
    """Gaussian regression with a log link; for outcomes below zero on average their negatives are modelled."""

    def fit(x: Floats, y: Floats) -> Predict:
        from sklearn.linear_model import TweedieRegressor

        scale = float(y.std()) or 1.0
        scale = -scale if y.mean() < 0 else scale
        model = TweedieRegressor(power=0, link="log", alpha=penalty, max_iter=300, tol=1e-5).fit(x, y / scale)
        top = float(np.log(_LARGEST_FACTOR * np.abs(y / scale).max() + 1e-9))
        weights, level = np.asarray(model.coef_, dtype=float), float(model.intercept_)
        return lambda new: np.asarray(scale * np.exp(np.minimum(new @ weights + level, top)), dtype=float)

    return fit


def boosted(x: Floats, y: Floats) -> Predict:
    """Histogram gradient boosting with small trees (Friedman 2001)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        max_iter=120, learning_rate=0.08, max_leaf_nodes=12, min_samples_leaf=20, early_stopping=False, random_state=0
    ).fit(x, y)
    return lambda new: np.asarray(model.predict(new), dtype=float)


@dataclass(frozen=True)
class Kernel:
    """A squared-exponential kernel: its length (in units of the covariates) and noise variance over signal variance."""

    length: float
    noise: float

    def between(self, a: Floats, b: Floats) -> Floats:
        """Correlations of rows; (len(a), len(b))."""
        return np.asarray(np.exp(-0.5 * _squared_distances(a, b) / self.length**2))


def likeliest_kernel(x: Floats, y: Floats) -> Kernel | None:
    """The kernel of greatest marginal likelihood for centred y, or None when pure noise is at least as likely.

    Lengths are multiples of the median distance; for each, one eigendecomposition gives the likelihood at every noise
    level, the signal's variance in closed form (Rasmussen and Williams 2006, section 5.4.1). Looks at 400 rows at most.
    """
    step = max(1, -(-len(y) // _GP_SEARCH_ROWS))
    x, y = x[::step], y[::step]
    apart = _squared_distances(x, x)
    middle = float(np.sqrt(np.median(apart[apart > 0]))) if (apart > 0).any() else 1.0
    best, kernel = -0.5 * len(y) * float(np.log(np.mean(y**2) + 1e-300)), None
    for length in middle * np.array([0.35, 0.7, 1.4, 2.8]):
        values, vectors = np.linalg.eigh(np.exp(-0.5 * apart / length**2))
        along = (vectors.T @ y) ** 2
        for noise in np.logspace(-2, 2, 13):
            spread = np.maximum(values, 0) + noise
            likelihood = -0.5 * len(y) * float(np.log(np.mean(along / spread))) - 0.5 * float(np.log(spread).sum())
            if likelihood > best:
                best, kernel = likelihood, Kernel(float(length), float(noise))
    return kernel


def with_process(mean: Fit, kernel: Kernel | None) -> Fit:
    """A parametric mean plus a Gaussian process on what it leaves over; without a kernel just the mean."""
    if kernel is None:
        return mean

    def fit(x: Floats, y: Floats) -> Predict:
        from scipy.linalg import cho_factor, cho_solve

        base = mean(x, y)
        matrix = kernel.between(x, x)
        matrix[np.diag_indices_from(matrix)] += kernel.noise
        weights = cho_solve(cho_factor(matrix, lower=True, overwrite_a=True), y - base(x))
        return lambda new: base(new) + kernel.between(new, x) @ weights

    return fit


def candidates(x: Floats, y: Floats) -> dict[str, Fit]:
    """The learners worth trying on an arm of this size, the plainest first."""
    shapes: dict[str, Fit] = {"linear": linear}
    shapes |= {f"log_linear_{penalty:g}": log_linear(penalty) for penalty in _LOG_PENALTIES}
    found = dict(shapes)
    if len(y) <= GP_LARGEST:
        for name in ("linear", f"log_linear_{_LOG_PENALTIES[0]:g}"):
            left = y - shapes[name](x, y)(x)
            found[f"{name}+process"] = with_process(shapes[name], likeliest_kernel(x, left))
    if len(y) >= BOOSTED_SMALLEST:
        found["boosted"] = boosted
    return found


@dataclass(frozen=True)
class Surface:
    """One arm's chosen learner: its name, the fit on all rows, one fit without each fold, and every learner's error.

    `errors` are cross-validated mean squared errors in squared units of the outcome.
    """

    name: str
    predict: Predict
    without: tuple[Predict, ...]
    errors: Mapping[str, float]


def choose_surface(x: Floats, y: Floats, fold: NDArray[np.int64]) -> Surface:
    """The learner of least cross-validated squared error; x (n, d), y (n,), fold (n,) numbered 0..k-1.

    Raises ValueError when a fold leaves fewer than two rows to learn from.
    """
    many = int(fold.max()) + 1
    if min(int((fold != k).sum()) for k in range(many)) < 2:
        raise ValueError("too few cases in an arm to learn an outcome from")
    fits = candidates(x, y)
    without = {name: tuple(fit(x[fold != k], y[fold != k]) for k in range(many)) for name, fit in fits.items()}
    errors = {name: _error(models, x, y, fold) for name, models in without.items()}
    name = min(errors, key=lambda one: errors[one])
    return Surface(name, fits[name](x, y), without[name], errors)


def out_of_fold(without: tuple[Predict, ...], x: Floats, fold: NDArray[np.int64]) -> Floats:
    """Each row's prediction by the fit that has not seen its fold; (n,)."""
    found = np.empty(len(x))
    for k, predict in enumerate(without):
        found[fold == k] = predict(x[fold == k])
    return found


def _error(without: tuple[Predict, ...], x: Floats, y: Floats, fold: NDArray[np.int64]) -> float:
    return float(np.mean((y - out_of_fold(without, x, fold)) ** 2))


def _squared_distances(a: Floats, b: Floats) -> Floats:
    found = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(found, 0.0))
