"""Whether a unit's result lies outside what chance gives units that are all alike.

Belongs here: tail probabilities and funnel limits of a mean of n cases around its expectation, and the control of how
often any of many units is called out by chance. Not here: what is expected (`case_mix.py`), shrinkage (`ranks.py`).

Methods: funnel limits as Spiegelhalter (Statistics in Medicine 24, 2005), on the scale of the observed mean, whose
variance may be over-dispersed. Shares have binomial tails at the number of cases that gives that variance (continued
through the incomplete beta function, conservative as Clopper and Pearson 1934); amounts of money have the tails of a
Pearson type III, which keeps the skewness of a mean of skew amounts. Many units: Holm (Scand. J. Statist. 6, 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv
from scipy.stats import pearson3

Floats = NDArray[np.float64]

_HALVINGS = 60


@dataclass(frozen=True, eq=False)
class Chance:
    """What chance does to m units: expected mean, its standard error and, for money, its skewness; all (m,).

    `is_share`: the means are shares of cases, in [0, 1].
    """

    expected: Floats
    se: Floats
    skew: Floats
    is_share: bool

    @property
    def size(self) -> Floats:
        """The number of independent cases (m,) whose share varies as much as this one."""
        return np.asarray(np.maximum(self.expected * (1 - self.expected), 1e-12) / np.maximum(self.se, 1e-12) ** 2)

    def below(self, observed: Floats) -> Floats:
        """Probability (m,) of a mean as low as observed or lower."""
        if not self.is_share:
            return np.asarray(pearson3.cdf((observed - self.expected) / self.se, self.skew))
        return _binomial_below(observed * self.size, self.size, self.expected)

    def above(self, observed: Floats) -> Floats:
        """Probability (m,) of a mean as high as observed or higher."""
        if not self.is_share:
            return np.asarray(pearson3.sf((observed - self.expected) / self.se, self.skew))
        return _binomial_below((1 - observed) * self.size, self.size, 1 - self.expected)

    def two_sided(self, observed: Floats) -> Floats:
        """Twice the smaller tail (m,), at most 1."""
        return np.asarray(np.minimum(1.0, 2 * np.minimum(self.below(observed), self.above(observed))))

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Means (low, high) outside which a unit lies with probability `1 - level`, half of it on each side."""
        tail = (1 - level) / 2
        if not self.is_share:
            low, high = (pearson3.ppf(q, self.skew) for q in (tail, 1 - tail))
            return self.expected + low * self.se, self.expected + high * self.se
        low = _binomial_limit(tail, self.size, self.expected)
        return low, 1 - _binomial_limit(tail, self.size, 1 - self.expected)

    def interval(self, observed: Floats, level: float) -> tuple[Floats, Floats]:
        """Interval (low, high) of the true mean of each unit given the observed one."""
        tail = (1 - level) / 2
        if not self.is_share:
            low, high = (pearson3.ppf(q, self.skew) for q in (1 - tail, tail))
            return observed - low * self.se, observed - high * self.se
        k, n = observed * self.size, self.size
        low = np.where(k > 0, betaincinv(np.maximum(k, 1e-9), n - k + 1, tail), 0.0)
        high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1e-9), 1 - tail), 1.0)
        return low, high


def holm(p: Floats) -> Floats:
    """Probabilities (m,) adjusted so that calling out what is at most a has a chance of at most a of one wrong call
    among all; NaN stays NaN and takes no part."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = np.maximum.accumulate(p[order] * (len(order) - np.arange(len(order))))
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _binomial_below(k: Floats, n: Floats, share: Floats) -> Floats:
    """P(X <= k) of a binomial variable, continued to k and n that are no whole numbers."""
    return np.where(k >= n * (1 - 1e-12), 1.0, betainc(np.maximum(n - k, 1e-9), k + 1, 1 - share))


def _binomial_limit(tail: float, n: Floats, share: Floats) -> Floats:
    """The share at and below which a binomial variable lies with probability `tail`; 0 where even none is likelier."""
    low, high = np.zeros(len(n)), share.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_beyond = _binomial_below(middle * n, n, share) < tail
        low, high = np.where(is_beyond, middle, low), np.where(is_beyond, high, middle)
    return np.where(_binomial_below(np.zeros(len(n)), n, share) < tail, high, 0.0)
