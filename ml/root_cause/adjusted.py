"""Adjusted differences in a score for many indicators at once, with intervals that allow for repeated customers.

Belongs here: the estimator. Not here: which answers are compared and what the figures mean (`drivers.py`).

Each indicator gets a regression of its own, score ~ indicator + covariates (OLS). Covariates are projected out once for
all of them (Frisch-Waugh-Lovell), so forty indicators cost little more than one. Variances are the cluster jackknife
CV3 (MacKinnon, Nielsen and Webb, J. Appl. Econometrics 38, 2023): every customer is left out in turn, in closed form.
Where no customer repeats it is exactly HC3 (MacKinnon and White, J. Econometrics 29, 1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Covariates that explain more of an indicator than this leave nothing to compare.
EXPLAINED = 1 - 1e-3
_BLOCK = 2_048
_DRAWS = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """Answers to compare: score (n,), indicators (n, k) of 0 and 1, covariates (n, p), customer numbers (n,) from 0."""

    score: Floats
    indicators: Floats
    covariates: Floats
    customers: Ints

    def __post_init__(self) -> None:
        rows = {len(self.score), len(self.indicators), len(self.covariates), len(self.customers)}
        if len(rows) != 1 or self.indicators.ndim != 2 or self.covariates.ndim != 2:
            raise ValueError("score, indicators, covariates and customers must have one row per answer")


@dataclass(frozen=True, slots=True)
class Effects:
    """One entry per indicator (k,): difference in score, 95 % bounds, two-sided p; NaN where nothing can be compared.

    `impact` is effect times share of answers with the indicator; its bounds are percentiles of a bootstrap that draws
    customers.
    """

    effect: Floats
    low: Floats
    high: Floats
    p: Floats
    impact: Floats
    impact_low: Floats
    impact_high: Floats


def adjusted_effects(data: Compared, *, replicates: int = 2_000, seed: int = 0) -> Effects:
    """Effect, interval and impact of every indicator. Degrees of freedom are those of the rarer side's customers (the
    lower bound of Welch's), so an indicator that few customers have gets a wide interval."""
    from scipy import stats

    basis = _basis(data.covariates)
    rest = data.indicators - basis @ (basis.T @ data.indicators)
    own = np.sum(rest**2, axis=0)
    share = data.indicators.mean(axis=0)
    usable = own > (1 - EXPLAINED) * len(data.score) * share * (1 - share)
    scale = np.where(usable & (own > 0), own, np.nan)
    free = data.score - basis @ (basis.T @ data.score)
    effect = rest.T @ free / scale
    moves = _left_out(basis, rest, free[:, None] - rest * np.nan_to_num(effect), scale, data.customers)
    error = np.sqrt(np.sum(moves**2, axis=0))
    rarer = _rarer_side(data)
    # One customer on a side: nobody can be left out, and the spread is unknown.
    freedom = np.where(rarer > 1, rarer - 1, np.nan)
    half = stats.t.ppf(0.975, freedom) * error
    p = 2 * stats.t.sf(np.abs(effect) / np.where(error > 0, error, np.nan), freedom)
    bounds = np.where(rarer > 1, 1.0, np.nan) * _impact_bounds(data, effect, moves, replicates, seed)
    return Effects(effect, effect - half, effect + half, p, effect * share, bounds[0], bounds[1])


def dummies(values: NDArray[np.object_], *, at_least: int) -> Floats:
    """Indicator columns (n, levels - 1) of a category; missing is a level, levels under `at_least` answers are one.

    The commonest level is the base.
    """
    known = np.array(["?" if value is None else f"={value}" for value in values], dtype=object)
    levels, numbers, counts = np.unique(known, return_inverse=True, return_counts=True)
    numbers = np.where(counts[numbers] < at_least, len(levels), numbers)
    kept, numbers, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    columns = np.eye(len(kept))[numbers]
    return np.delete(columns, int(counts.argmax()), axis=1) if len(kept) else np.zeros((0, 0))


def _basis(covariates: Floats) -> Floats:
    """Orthonormal columns that span the constant and the covariates, dependent ones left out."""
    from scipy.linalg import qr

    whole = np.column_stack([np.ones(len(covariates)), covariates])
    directions, triangle, _ = qr(whole, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    kept = size > (size[0] if len(size) else 0.0) * 1e-9
    return np.asarray(directions[:, kept], dtype=np.float64)


def _rarer_side(data: Compared) -> Floats:
    """Customers with and without each indicator, whichever are fewer."""
    total = int(data.customers.max()) + 1 if len(data.customers) else 0
    ever = np.zeros((total, data.indicators.shape[1]), dtype=bool)
    never = np.zeros_like(ever)
    np.logical_or.at(ever, data.customers, data.indicators > 0)
    np.logical_or.at(never, data.customers, data.indicators == 0)
    rarer: Floats = np.minimum(ever.sum(axis=0, dtype=np.float64), never.sum(axis=0, dtype=np.float64))
    return rarer


def _left_out(basis: Floats, rest: Floats, errors: Floats, scale: Floats, customers: Ints) -> Floats:
    """How much each effect moves when one customer is left out: (customers, k). Customers of a size go together."""
    order = np.argsort(customers, kind="stable")
    counts = np.bincount(customers) if len(customers) else np.zeros(0, dtype=np.int64)
    starts = np.cumsum(counts) - counts
    moves = np.zeros((len(counts), rest.shape[1]))
    for size in np.unique(counts[counts > 0]):
        everybody = np.flatnonzero(counts == size)
        for begin in range(0, len(everybody), _BLOCK):
            some = everybody[begin : begin + _BLOCK]
            rows = order[starts[some][:, None] + np.arange(size)]
            moves[some] = _block_moves(basis[rows], rest[rows], errors[rows], scale)
    return moves


def _block_moves(basis: Floats, rest: Floats, errors: Floats, scale: Floats) -> Floats:
    """Moves for customers of equal size: arrays (customers, size, columns), result (customers, k).

    The inverse is taken once per customer for the covariates; an indicator adds one column (Sherman-Morrison). A customer
    alone in a level fits itself exactly, without an error to weigh: the tiny ridge keeps that case finite.
    """
    leverage = np.einsum("csp,ctp->cst", basis, basis)
    inverse = np.linalg.inv((1 + 1e-9) * np.eye(basis.shape[1]) - leverage)
    turned = inverse @ rest
    room = scale - np.einsum("csk,csk->ck", rest, turned)
    room = np.where(room > 1e-7 * scale, room, np.nan)
    return np.asarray(np.einsum("csk,csk->ck", turned, errors) / room, dtype=np.float64)


def _impact_bounds(data: Compared, effect: Floats, moves: Floats, replicates: int, seed: int) -> Floats:
    """2.5 and 97.5 percentiles (2, k) of effect times share over draws of customers with replacement.

    A draw changes the effect by the sum of the drawn customers' moves (the one-step bootstrap), so nothing is refitted.
    """
    people = len(moves)
    rng = np.random.default_rng(seed)
    with_it = np.zeros_like(moves)
    np.add.at(with_it, data.customers, data.indicators)
    answers = np.bincount(data.customers, minlength=people).astype(np.float64)
    drawn = np.full((replicates, moves.shape[1]), np.nan)
    for begin in range(0, replicates, _DRAWS):
        size = min(_DRAWS, replicates - begin)
        picks = rng.integers(0, people, (size, people)) + np.arange(size)[:, None] * people
        weight = np.bincount(picks.ravel(), minlength=size * people).reshape(size, people).astype(np.float64)
        share = (weight @ with_it) / (weight @ answers)[:, None]
        drawn[begin : begin + size] = (effect + (weight - 1) @ moves) * share
    return np.asarray(np.quantile(drawn, [0.025, 0.975], axis=0), dtype=np.float64)
