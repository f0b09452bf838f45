"""How much units truly differ, where each of them truly stands, and what rank it may have.

Belongs here: the normal-normal model of true differences, and simulation from its posterior. Not here: how the
differences come about (`comparison.py`), who lies outside what chance gives (`funnel.py`).

Methods: shrinkage as Laird and Louis (J. Educ. Stat. 14, 1989), ranks by posterior simulation with their uncertainty as
Goldstein and Spiegelhalter (J. R. Stat. Soc. A 159, 1996). How much units differ (tau) is not fixed at its best value,
which for few units is often 0 and would make them all equal for sure: it is integrated over its restricted likelihood
with a weak prior (Gelman, Bayesian Analysis 1, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 2000
_GRID = 200
PLACES = ("shrunken", "low", "high", "rank", "rank_low", "rank_high", "p_best")


@dataclass(frozen=True, eq=False)
class Standing:
    """True differences of m units, shrunken to their common mean; `tau` is how much they differ (posterior mean of the
    standard deviation). `rank` 1 is the best: expected rank and its interval; ranks and `p_best` are NaN for units that
    were not ranked. All (m,)."""

    shrunken: Floats
    low: Floats
    high: Floats
    rank: Floats
    rank_low: Floats
    rank_high: Floats
    p_best: Floats
    tau: float


def standing(
    difference: Floats, se: Floats, ranked: NDArray[np.bool_], *, scale: float, level: float = 0.95,
    draws: int = DRAWS, seed: int = 0,
) -> Standing:  # fmt: skip
    """Posterior of true differences from observed ones (m,) with standard errors (m,); higher is better.

    `scale` is the standard deviation of the outcome of one case: the prior holds it for unlikely that units differ by
    more than half of it. `ranked` are the units that take part in ranks. Raises ValueError for no unit, or a standard
    error that is not positive.
    """
    if len(difference) == 0 or not (se > 0).all():
        raise ValueError("ranks need at least one unit, and positive standard errors")
    rng = np.random.default_rng(seed)
    taus, chances = _between(difference, se, scale)
    tau = rng.choice(taus, size=draws, p=chances)[:, None]
    drawn = _draw(difference, se, tau, rng)
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(drawn, tails, axis=0)
    rank, rank_low, rank_high, p_best = (np.full(len(difference), np.nan) for _ in range(4))
    if ranked.any():
        ranks = (-drawn[:, ranked]).argsort(axis=1).argsort(axis=1) + 1
        rank[ranked], p_best[ranked] = ranks.mean(axis=0), (ranks == 1).mean(axis=0)
        rank_low[ranked], rank_high[ranked] = np.quantile(ranks, tails, axis=0, method="nearest")
    middle = _means(difference, se, taus[:, None])
    return Standing(chances @ middle, low, high, rank, rank_low, rank_high, p_best, float(chances @ taus))


def _between(difference: Floats, se: Floats, scale: float) -> tuple[Floats, Floats]:
    """Values of tau and their posterior probabilities: restricted likelihood times a half-normal prior."""
    taus = np.linspace(0.0, 1.0, _GRID) ** 2 * 2 * scale
    weight = 1 / (se**2 + taus[:, None] ** 2)
    total = weight.sum(axis=1)
    mean = (weight * difference).sum(axis=1) / total
    spread = (weight * (difference - mean[:, None]) ** 2).sum(axis=1)
    log_likelihood = (np.log(weight).sum(axis=1) - np.log(total) - spread) / 2
    # The grid is finer near 0, so each value stands for a stretch of its own length.
    log_chance = log_likelihood - (taus / (scale / 2)) ** 2 / 2 + np.log(np.gradient(taus) + 1e-12)
    chance = np.exp(log_chance - log_chance.max())
    return taus, chance / chance.sum()


def _means(difference: Floats, se: Floats, tau: Floats) -> Floats:
    """Posterior means (k, m) for each of k values of tau (k, 1), the common mean being estimated."""
    weight = 1 / (se**2 + tau**2)
    common = (weight * difference).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    own = tau**2 * weight
    return np.asarray(own * difference + (1 - own) * common)


def _draw(difference: Floats, se: Floats, tau: Floats, rng: np.random.Generator) -> Floats:
    """True differences (draws, m): common mean, then each unit around it and its own result."""
    weight = 1 / (se**2 + tau**2)
    total = weight.sum(axis=1, keepdims=True)
    common = (weight * difference).sum(axis=1, keepdims=True) / total + rng.standard_normal(tau.shape) / np.sqrt(total)
    own = tau**2 * weight
    centre = own * difference + (1 - own) * common
    return np.asarray(centre + rng.standard_normal(centre.shape) * np.sqrt(own) * se)
