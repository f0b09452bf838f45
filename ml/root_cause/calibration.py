"""From scores to probabilities that mean what they say.

Belongs here: softmax with a slope (temperature; Guo et al. 2017), and a curve from the confidence it states to the one
that was observed (beta calibration; Kull, Silva Filho & Flach 2017), fitted on scores out of fold; the curve is kept when
it lowers the calibration error of rows it was not fitted on. Neither changes which cause is likeliest: an offset per cause
calibrates as well but costs rare causes 4 points of macro-F1. Not here: how scores come about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.examples import Floats, Rows
from ml.root_cause.judge import calibration_error

_EDGE = 1e-9
# The curve is fitted as if it had seen this many texts that follow the slope alone.
_CURVE_RIDGE = 1.0
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities as softmax(slope * scores), then each row made flatter or sharper until its largest probability p
    has log-odds a log p - b log(1 - p) + c. `curve` is (a, b, c), None for none."""

    slope: float
    curve: tuple[float, float, float] | None = None

    def probabilities(self, scores: Floats) -> Floats:
        """Probabilities (n, causes) of scores (n, causes); each row sums to one and keeps its order."""
        logits = self.slope * scores
        shares = softmax(logits)
        if self.curve is None or not len(scores) or scores.shape[1] < 2:
            return shares
        return _with_confidence(logits, curved(shares.max(axis=1), self.curve))


def softmax(logits: Floats) -> Floats:
    """Rows of exponentials that sum to one."""
    risen = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(risen / risen.sum(axis=1, keepdims=True), dtype=np.float64)


def curved(confidence: Floats, curve: tuple[float, float, float]) -> Floats:
    """Confidence (n,) after the beta curve; never falls as confidence rises."""
    odds = _logs(confidence) @ np.asarray(curve)
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), dtype=np.float64)


def _logs(confidence: Floats) -> Floats:
    inside = np.clip(confidence, _EDGE, 1 - _EDGE)
    return np.column_stack([np.log(inside), -np.log1p(-inside), np.ones(len(inside))])


def _with_confidence(logits: Floats, wanted: Floats) -> Floats:
    """Softmax of each row at the temperature that gives its largest entry the wanted probability (by bisection).

    What no temperature can give (less than an equal share) is met as nearly as can be.
    """
    centred = logits - logits.max(axis=1, keepdims=True)
    low, high = np.full(len(logits), -8.0), np.full(len(logits), 8.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        top = 1 / np.exp(np.exp(middle)[:, None] * centred).sum(axis=1)
        low, high = np.where(top < wanted, middle, low), np.where(top < wanted, high, middle)
    return softmax(np.exp((low + high) / 2)[:, None] * centred)


def calibrate(scores: Floats, target: Rows, parts: Rows) -> Calibration:
    """Slope, and curve where it helps, of scores out of fold (n, causes) of which `target` (n,) is the truth.

    `parts` (n,) gives the fold of each row: each part is judged by a fit on the others.
    """
    plain, bent = (_held_out_error(with_curve, scores, target, parts) for with_curve in (False, True))
    return _fit(scores, target, with_curve=bent < plain)


def _held_out_error(with_curve: bool, scores: Floats, target: Rows, parts: Rows) -> float:
    shares = np.zeros_like(scores)
    for part in np.unique(parts):
        fitted = _fit(scores[parts != part], target[parts != part], with_curve=with_curve)
        shares[parts == part] = fitted.probabilities(scores[parts == part])
    return calibration_error(shares.max(axis=1), shares.argmax(axis=1) == target)[0]


def _fit(scores: Floats, target: Rows, *, with_curve: bool) -> Calibration:
    from scipy.optimize import minimize_scalar

    def loss(log_slope: float) -> float:
        return log_loss(softmax(np.exp(log_slope) * scores), target)

    found = minimize_scalar(loss, bounds=(-3.0, 5.0), method="bounded", options={"xatol": 1e-3})
    slope = float(np.exp(found.x))
    if not with_curve:
        return Calibration(slope)
    shares = softmax(slope * scores)
    return Calibration(slope, fit_curve(shares.max(axis=1), shares.argmax(axis=1) == target))


def fit_curve(confidence: Floats, right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Beta curve (a, b, c), a and b at least 0, from stated confidences (n,) and whether they were right (n,)."""
    from scipy.optimize import minimize

    logs, start = _logs(confidence), np.array([1.0, 1.0, 0.0])

    def loss(curve: Floats) -> tuple[float, Floats]:
        odds, away = logs @ curve, curve - start
        rest = 1 / (1 + np.exp(-np.clip(odds, -30, 30))) - right
        ridge = _CURVE_RIDGE * away
        value = float((np.logaddexp(0, odds) - right * odds).sum() + ridge @ away / 2)
        return value / len(right), (logs.T @ rest + ridge) / len(right)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)]).x
    return float(found[0]), float(found[1]), float(found[2])


def log_loss(shares: Floats, target: Rows) -> float:
    """Mean of minus the logarithm of the probability of the truth."""
    return float(-np.log(np.maximum(shares[np.arange(len(target)), target], 1e-12)).mean())
