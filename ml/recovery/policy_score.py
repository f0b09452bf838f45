"""A policy by score: the arm with the greatest expected gain by an additive model, to see what a finer policy would add.

Belongs here: the doubly robust learner of gains over the facts (Kennedy 2023) and its choice. Not here: trees
(`policy_tree.py`). It is compared and never served: nobody can read it and object.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.recovery.policy_facts import Facts
from ml.recovery.policy_leaves import Scored, must_act

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Attempts a level needs for a column of its own, and the pull towards no gain, in attempts.
_LEAST_ROWS, _PULL = 50, 20.0


def score_actions(train: Scored, test: Scored, fields: Sequence[str]) -> Ints:
    """The arm (n,) of greatest expected gain over the arm of the rules, which stays where none is expected to gain."""
    before, after = _columns(train.facts, test.facts, fields)
    gains = np.full((len(test), len(test.arms)), -np.inf)
    for arm in range(len(test.arms)):
        open_to = train.eligible[:, arm]
        if open_to.sum() >= _LEAST_ROWS:
            gains[:, arm] = after @ _ridge(before[open_to], train.gains[open_to, arm])
    allowed = test.eligible.copy()
    allowed[:, 0] &= ~must_act(test.facts)
    gains = np.where(allowed, gains, -np.inf)
    best = gains.argmax(axis=1)
    return np.where(gains[np.arange(len(test)), best] > 0, best, test.rules)


def _ridge(rows: Floats, gain: Floats) -> Floats:
    square = rows.T @ rows + _PULL * np.diag(np.r_[1e-6, np.ones(rows.shape[1] - 1)])
    return np.asarray(np.linalg.solve(square, rows.T @ gain))


def _columns(train: Facts, test: Facts, fields: Sequence[str]) -> tuple[Floats, Floats]:
    """Intercept, indicators of frequent levels, and standardised numbers (money by its logarithm) with their gaps."""
    parts = [(np.ones(len(train)), np.ones(len(test)))]
    for name in fields:
        before, after = train.columns.get(name), test.columns.get(name)
        if before is None or after is None:
            continue
        if before.dtype.kind == "f" and len(np.unique(before)) > 10:
            parts += _number(before, after)
            continue
        levels, counts = np.unique(before, return_counts=True)
        parts += [(before == level, after == level) for level in levels[counts >= _LEAST_ROWS]]
    one, other = zip(*parts, strict=True)
    return np.column_stack(one).astype(np.float64), np.column_stack(other).astype(np.float64)


def _number(before: Floats, after: Floats) -> list[tuple[Floats, Floats]]:
    logs = [np.sign(values) * np.log1p(np.abs(values)) for values in (before, after)]
    known = logs[0][~np.isnan(logs[0])]
    middle, spread = (float(known.mean()), float(known.std()) or 1.0) if len(known) else (0.0, 1.0)
    scaled = [np.nan_to_num((values - middle) / spread) for values in logs]
    missing = [np.isnan(values).astype(np.float64) for values in (before, after)]
    return [(scaled[0], scaled[1]), (missing[0], missing[1])]
