"""Shares of variance left and explained in the linear regression of an outcome on treatment and covariates.

Belongs here: partial R squared from moments, gathered once and in chunks. Not here: what follows for an effect
(`sensitivity.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.logistic import CHUNK

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Correlations of d covariates, then the treatment, then the outcome, (d + 2, d + 2), over n rows, and the standard
    deviations (d + 2) they were divided by."""

    products: Floats
    n: int
    spread: Floats

    @staticmethod
    def of(covariates: Floats, treated: NDArray[np.bool_], values: Floats) -> Moments:
        """Moments of rows without gaps."""
        width = covariates.shape[1] + 2
        centre = np.array([*covariates.mean(axis=0), treated.mean(), values.mean()])
        spread = np.array([*covariates.std(axis=0), treated.std(), values.std()])
        spread[spread == 0] = 1.0
        products = np.zeros((width, width))
        for start in range(0, len(values), CHUNK):
            part = slice(start, start + CHUNK)
            block = (np.column_stack([covariates[part], treated[part], values[part]]) - centre) / spread
            products += block.T @ block
        return Moments(products / len(values), len(values), spread)

    @property
    def leverage(self) -> float:
        """What is left of the outcome over what is left of the treatment, in standard deviations: the most a confounder
        that explained all of the one and half of the other could move the coefficient of treatment."""
        width = len(self.products) - 2
        outcome = self.spread[-1] * np.sqrt(self.left(width + 1, range(width + 1)))
        treatment = self.spread[-2] * np.sqrt(self.left(width, range(width)))
        return float(outcome / treatment) if treatment else np.inf

    def left(self, target: int, columns: Sequence[int]) -> float:
        """Share of a column's variance that some others leave unexplained."""
        total, columns = float(self.products[target, target]), list(columns)
        if not total or not columns:
            return 1.0 if total else 0.0
        inner, cross = self.products[np.ix_(columns, columns)], self.products[columns, target]
        explained = float(cross @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True) @ cross)
        return max(1 - explained / total, 0.0)

    def explained_by(self, columns: Sequence[int]) -> tuple[float, float]:
        """Partial R squared of some covariates with the treatment given the others, and with the outcome given those
        and the treatment."""
        width = len(self.products) - 2
        others = [place for place in range(width) if place not in set(columns)]
        every = list(range(width))
        treatment = _gain(self.left(width, others), self.left(width, every))
        outcome = _gain(self.left(width + 1, [*others, width]), self.left(width + 1, [*every, width]))
        return treatment, outcome


def _gain(before: float, after: float) -> float:
    return min(max((before - after) / before, 0.0), 1 - 1e-9) if before > 1e-12 else 0.0
