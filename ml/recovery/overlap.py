"""Could the others have got it too, and do they look alike once weighted: overlap and balance of two arms.

Belongs here: propensity histograms, effective sample sizes, standardised differences. Not here: trimming itself
(`pairs.py`) or what a verdict makes of it (`verdict.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.nuisance import Nuisances
from ml.recovery.pairs import TRIM, Estimand, Floats, chances, effective_size, make_pair

Grade = Literal["good", "partial", "poor"]

# The rule for a balanced covariate (Austin 2009): less than a tenth of a standard deviation apart.
BALANCED = 0.1
# More than a twentieth of those asked about outside, and the answer is about fewer than were asked; beyond 30 %, or
# with a reference worth under 50 attempts, it is about others.
_GOOD_SHARE, _POOR_SHARE, _GOOD_SIZE, _POOR_SIZE = 0.05, 0.30, 100, 50


@dataclass(frozen=True, slots=True)
class Balance:
    """One covariate: standardised mean difference of the arms as they were, and within overlap after weighting."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Overlap:
    """How far two arms can be compared.

    `edges` (bins + 1) with `treated`, `reference` (bins) count chances of the arm against the reference before
    trimming. `share_outside` is the share of the target (those treated, or all) that was trimmed. `balance` has the
    largest difference before first: the rows of a Love plot.
    """

    edges: Floats
    treated: NDArray[np.int64]
    reference: NDArray[np.int64]
    n: int
    n_outside: int
    share_outside: float
    effective_treated: float
    effective_reference: float
    balance: tuple[Balance, ...]

    @property
    def worst_before(self) -> float:
        """Largest standardised difference as the arms were."""
        return max((abs(one.before) for one in self.balance), default=0.0)

    @property
    def worst_after(self) -> float:
        """Largest standardised difference left after weighting; NaN when nothing overlaps."""
        return max((abs(one.after) for one in self.balance), default=0.0, key=lambda one: np.inf if one != one else one)

    @property
    def unbalanced(self) -> tuple[str, ...]:
        """Covariates that still differ by a tenth of a standard deviation or more."""
        return tuple(one.name for one in self.balance if not abs(one.after) < BALANCED)

    @property
    def grade(self) -> Grade:
        """Good, partial (the estimate is on a part of those asked about) or poor (there is hardly anybody to compare)."""
        if not self.n or self.share_outside > _POOR_SHARE or self.effective_reference < _POOR_SIZE:
            return "poor"
        if self.share_outside > _GOOD_SHARE or self.effective_reference < _GOOD_SIZE:
            return "partial"
        return "good"


def overlap(
    attempts: Attempts,
    outcome: str,
    arm: str,
    fitted: Nuisances,
    *,
    reference: str | None = None,
    estimand: Estimand = "att",
    trim: tuple[float, float] = TRIM,
    bins: int = 20,
) -> Overlap:
    """Overlap and balance of an arm and the reference by the weights `effect` uses. Raises ValueError on unknown names.

    Differences are in pooled standard deviations of the arms as they were, before and after alike, so that a smaller
    one means closer means and not a wider spread (Stuart 2010).
    """
    against = attempts.arms[0] if reference is None else reference
    pair = make_pair(attempts, outcome, fitted, arm=arm, reference=against, trim=trim)
    rows, treated, chance = chances(attempts, outcome, fitted, arm=arm, reference=against)
    ones, zeros = pair.weights(estimand)
    edges = np.linspace(0, 1, bins + 1)
    asked = int(treated.sum()) if estimand == "att" else len(rows)
    outside = asked - int(pair.target(estimand).sum())
    return Overlap(
        edges=edges,
        treated=np.histogram(chance[treated], edges)[0],
        reference=np.histogram(chance[~treated], edges)[0],
        n=len(pair.rows),
        n_outside=pair.n_trimmed,
        share_outside=outside / asked if asked else 1.0,
        effective_treated=effective_size(ones),
        effective_reference=effective_size(zeros),
        balance=_balance(attempts, rows, treated, pair.rows, ones, zeros),
    )


def _balance(
    attempts: Attempts,
    rows: NDArray[np.int64],
    treated: NDArray[np.bool_],
    kept: NDArray[np.int64],
    ones: Floats,
    zeros: Floats,
) -> tuple[Balance, ...]:
    if min(treated.sum(), (~treated).sum()) < 2:
        return ()
    arms = [attempts.covariates[rows[side]] for side in (treated, ~treated)]
    spread = np.sqrt((arms[0].var(axis=0) + arms[1].var(axis=0)) / 2)
    spread[spread == 0] = np.nan
    before = (arms[0].mean(axis=0) - arms[1].mean(axis=0)) / spread
    after = (_mean(attempts.covariates[kept], ones) - _mean(attempts.covariates[kept], zeros)) / spread
    found = [
        Balance(name, float(was), float(left))
        for name, was, left, scale in zip(attempts.names, before, after, spread, strict=True)
        if scale == scale
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.before), one.name)))


def _mean(rows: Floats, weights: Floats) -> Floats:
    total = weights.sum()
    return np.asarray(weights @ rows / total) if total else np.full(rows.shape[1], np.nan)
