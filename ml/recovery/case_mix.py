"""What an average handler would have reached with these cases: the expected outcome given what was known before.

Belongs here: the cross-fitted regression on covariates with one effect per unit (owner or team) that is set to zero
when predicting. Not here: who is compared with whom (`comparison.py`), effects of playbooks (`nuisance.py`).

Method: indirect standardisation. The unit stands in the regression as a shrunken effect of its own, so that what good
units do is not credited to the cases they happen to get; the prediction leaves it out. Folds are customers: nobody's
outcome takes part in what is expected of their own cases (Chernozhukov et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FOLDS = 5
# Prior standard deviations on standardised columns: a covariate may well move an outcome by one logit (or one standard
# deviation of the noise), a handler by a third of it. Both are weak beside a few hundred cases.
_COVARIATE_SD, _UNIT_SD = 1.0, 0.35
_STEPS, _SMALL = 50, 1e-8


@dataclass(frozen=True, eq=False)
class _Fit:
    """Line in the covariates (d + 1,), intercept first."""

    weights: Floats

    def predict(self, design: Floats, *, is_share: bool) -> Floats:
        line = design @ self.weights
        return _share(line) if is_share else line


def expected(
    covariates: Floats, outcome: Floats, unit: Codes, cluster: Codes, *, is_share: bool, folds: int = FOLDS,
    seed: int = 0,
) -> Floats:  # fmt: skip
    """Expected outcome (n,) of each case with an average unit, never fitted on the customer it is told for.

    `covariates` (n, d), `outcome` (n,) 0 or 1 if `is_share` and any finite number otherwise, `unit` and `cluster`
    (customer) codes from 0. Expected and observed outcomes have the same sum. Raises ValueError when an outcome is
    unknown, or there are fewer customers than two.
    """
    if not np.isfinite(outcome).all():
        raise ValueError("expected outcomes are for cases whose outcome is known")
    groups = int(cluster.max(initial=-1)) + 1
    if groups < 2:
        raise ValueError("at least two customers are needed to tell what is expected")
    centre, scale = (outcome.mean(), 1.0) if is_share else (outcome.mean(), outcome.std() or 1.0)
    design = _design(covariates)
    values = outcome if is_share else (outcome - centre) / scale
    fold = _folds(groups, min(folds, groups), seed)[cluster]
    told = np.empty(len(outcome))
    for k in range(int(fold.max()) + 1):
        out = fold == k
        told[out] = _fit(design[~out], values[~out], unit[~out], is_share=is_share).predict(
            design[out], is_share=is_share
        )
    return _levelled(told, outcome) if is_share else told * scale + centre + (outcome - told * scale - centre).mean()


def _design(covariates: Floats) -> Floats:
    spread = covariates.std(axis=0)
    kept = covariates[:, spread > 0]
    scaled = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    return np.column_stack([np.ones(len(covariates)), scaled])


def _folds(groups: int, folds: int, seed: int) -> Codes:
    return np.random.default_rng(seed).permutation(np.arange(groups) % folds)


def _fit(design: Floats, values: Floats, unit: Codes, *, is_share: bool) -> _Fit:
    """Posterior mode of line and unit effects by alternating Newton steps; the effects are centred at each."""
    penalty = np.full(design.shape[1], _COVARIATE_SD**-2)
    # The mean is not to be shrunken, only kept from running away where everybody had the same outcome.
    penalty[0] = 1e-2
    weights, effect = np.zeros(design.shape[1]), np.zeros(int(unit.max(initial=0)) + 1)
    size = np.bincount(unit, minlength=len(effect))
    for _ in range(_STEPS):
        rest, curve = _rest(design @ weights + effect[unit], values, is_share)
        step = np.linalg.solve((design.T * curve) @ design + np.diag(penalty), design.T @ rest - penalty * weights)
        weights += step
        rest, curve = _rest(design @ weights + effect[unit], values, is_share)
        pull = np.bincount(unit, rest, len(effect)) - effect * _UNIT_SD**-2
        effect += pull / (np.bincount(unit, curve, len(effect)) + _UNIT_SD**-2)
        middle = float(effect @ size) / len(unit)
        effect, weights[0] = effect - middle, weights[0] + middle
        if np.abs(step).max() < _SMALL**0.5:
            break
    return _Fit(weights)


def _rest(line: Floats, values: Floats, is_share: bool) -> tuple[Floats, Floats]:
    """(Residual, curvature) of the log-likelihood at this line."""
    if not is_share:
        return values - line, np.ones(len(line))
    told = _share(line)
    return values - told, np.maximum(told * (1 - told), 1e-6)


def _share(line: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(line, -30, 30))))


def _levelled(told: Floats, outcome: Floats) -> Floats:
    """Shares moved on the logit scale by one constant until they have the sum of the outcomes."""
    mean = outcome.mean()
    if mean in (0.0, 1.0):
        return np.full(len(told), mean)
    line = np.log(np.clip(told, 1e-9, 1 - 1e-9) / np.clip(1 - told, 1e-9, 1 - 1e-9))
    shift = 0.0
    for _ in range(_STEPS):
        now = _share(line + shift)
        move = (outcome - now).sum() / max((now * (1 - now)).sum(), _SMALL)
        shift += float(np.clip(move, -2, 2))
        if abs(move) < 1e-12:
            break
    return _share(line + shift)
