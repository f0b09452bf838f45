"""Whom to give what when hands are short: the most expected net value within so many handling minutes.

Belongs here: the assignment under one budget, its distance to the best possible, and what one more hour would bring. Not
here: expected values (`policy_leaves.py`), and who takes which case (`cases/`).

Method: Lagrangian relaxation with bisection over the price of a minute (Fisher 1981; a multiple-choice knapsack). At a
price every case picks for itself; the dual value bounds what any assignment can reach, so the gap is known, not hoped for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROUNDS, _MOST_CHANGES = 60, 50


@dataclass(frozen=True, eq=False)
class Budgeted:
    """`action` (n,) takes `minutes` in all and is worth `value_usd`; no assignment is worth more than `bound_usd`.

    `hour_usd` is the shadow price: what the next hour of handling would bring; 0 when time is not short.
    """

    action: Ints
    value_usd: float
    minutes: float
    bound_usd: float
    hour_usd: float

    @property
    def gap(self) -> float:
        """Share of the bound that may have been missed."""
        return (
            0.0
            if self.bound_usd == self.value_usd
            else (self.bound_usd - self.value_usd) / max(abs(self.bound_usd), 1e-12)
        )


def within_budget(value: Floats, minutes: Floats, budget: float) -> Budgeted:
    """Choose an arm for each case so that total value is greatest and total minutes at most `budget`.

    `value` (n, A) in dollars net of everything but the scarcity of time, -inf where an arm may not be used; `minutes`
    (n, A) not negative. Raises ValueError when even the shortest arms together take longer, or a case has no arm.
    """
    if value.shape != minutes.shape or value.ndim != 2:
        raise ValueError(f"value has shape {value.shape}, minutes {minutes.shape}")
    open_to = np.isfinite(value)
    if not open_to.any(axis=1).all():
        raise ValueError("a case has no arm it may be given")
    if np.isnan(value).any() or not np.isfinite(minutes).all() or (minutes < 0).any():
        raise ValueError("values are known and minutes are not negative")
    least = float(np.where(open_to, minutes, np.inf).min(axis=1).sum()) if len(value) else 0.0
    if least > budget:
        raise ValueError(f"even the shortest arms take {least:.0f} minutes, the budget is {budget:.0f}")
    free = _at(value, minutes, 0.0)
    if free.minutes <= budget:
        return Budgeted(free.action, free.value, free.minutes, free.value, 0.0)
    over, under = _bracket(value, minutes, budget, free)
    bound = min(over.dual(budget), under.dual(budget))
    action = _improved(value, minutes, budget, _filled(minutes, budget, under, over))
    rows = np.arange(len(value))
    total, taken = float(value[rows, action].sum()), float(minutes[rows, action].sum())
    return Budgeted(action, total, taken, max(bound, total), 60 * under.price)


def per_minute(gain: Floats, minutes: Floats) -> Ints:
    """Order (n,) in which to work: most expected net value per handling minute first, ties as given.

    `gain` (n,) in dollars, NaN where unknown: those come last, for nobody knows what they are worth.
    """
    rate = np.where(np.isnan(gain), -np.inf, np.nan_to_num(gain) / np.maximum(minutes, 1.0))
    return np.argsort(-rate, kind="stable").astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Priced:
    action: Ints
    value: float
    minutes: float
    price: float

    def dual(self, budget: float) -> float:
        return self.value - self.price * (self.minutes - budget)


def _at(value: Floats, minutes: Floats, price: float) -> _Priced:
    """What every case picks for itself at a price of a minute; of equals the shorter."""
    worth = value - price * minutes
    best = worth.max(axis=1, keepdims=True)
    action = np.where(worth >= best, minutes, np.inf).argmin(axis=1)
    return _sums(value, minutes, action.astype(np.int64), price)


def _sums(value: Floats, minutes: Floats, action: Ints, price: float) -> _Priced:
    rows = np.arange(len(value))
    return _Priced(action, float(value[rows, action].sum()), float(minutes[rows, action].sum()), price)


def _bracket(value: Floats, minutes: Floats, budget: float, free: _Priced) -> tuple[_Priced, _Priced]:
    """What is picked at two prices close together: at the lower more than the budget, at the higher not.

    Minutes picked fall as the price rises, so a case that picks the same at both ends does so in between: only the others
    are asked again, and each round asks about half as many.
    """
    over, price = free, 1.0
    while (under := _at(value, minutes, price)).minutes > budget:
        over, price = under, price * 4
    for _ in range(_ROUNDS):
        rows = np.flatnonzero(over.action != under.action)
        if len(rows) <= 1 or under.price - over.price <= 1e-12 * under.price:
            break
        part = _at(value[rows], minutes[rows], (over.price + under.price) / 2)
        action = under.action.copy()
        action[rows] = part.action
        middle = _sums(value, minutes, action, part.price)
        over, under = (middle, under) if middle.minutes > budget else (over, middle)
    return over, under


def _filled(minutes: Floats, budget: float, under: _Priced, over: _Priced) -> Ints:
    """Spend what is left on cases that would take more at the lower price, the shortest step first."""
    rows = np.flatnonzero(under.action != over.action)
    longer = minutes[rows, over.action[rows]] - minutes[rows, under.action[rows]]
    order = np.argsort(longer, kind="stable")
    taken = rows[order[np.cumsum(longer[order]) <= budget - under.minutes]]
    action = under.action.copy()
    action[taken] = over.action[taken]
    return action


def _improved(value: Floats, minutes: Floats, budget: float, action: Ints) -> Ints:
    """Single changes that still fit, the most valuable first: with few cases the minutes left over are worth having."""
    action, rows = action.copy(), np.arange(len(value))
    for _ in range(_MOST_CHANGES):
        now, spent = value[rows, action], minutes[rows, action]
        fits = minutes - spent[:, None] <= budget - spent.sum()
        gain = np.where(fits, value - now[:, None], -np.inf)
        case, arm = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[case, arm] <= 0:
            break
        action[case] = arm
    return action
