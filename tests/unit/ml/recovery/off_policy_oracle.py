"""The off-policy estimators once more, row by row in plain Python straight from their formulas, to compare ours with."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

Row = Sequence[float]
Table = Sequence[Row]


def ips(action: Sequence[int], reward: Row, propensity: Table, target: Table) -> float:
    """(1/n) sum pi(a|x)/p(a|x) r."""
    return fsum(_weights(action, propensity, target, reward)) / len(action)


def snips(action: Sequence[int], reward: Row, propensity: Table, target: Table) -> float:
    """sum w r / sum w."""
    return fsum(_weights(action, propensity, target, reward)) / fsum(
        _weights(action, propensity, target, [1.0] * len(action))
    )


def direct(target: Table, mu: Table) -> float:
    """(1/n) sum_i sum_a pi(a|x_i) mu(x_i, a)."""
    return fsum(p * m for row, model in zip(target, mu, strict=True) for p, m in zip(row, model, strict=True)) / len(mu)


def doubly_robust(
    action: Sequence[int], reward: Row, propensity: Table, target: Table, mu: Table, switch_at: float = float("inf")
) -> float:
    """Direct method plus (1/n) sum w (r - mu(x, a)), the correction only where w <= switch_at."""
    corrections = []
    for i, a in enumerate(action):
        weight = target[i][a] / propensity[i][a]
        corrections.append(weight * (reward[i] - mu[i][a]) if weight <= switch_at else 0.0)
    return direct(target, mu) + fsum(corrections) / len(action)


def effective_size(action: Sequence[int], propensity: Table, target: Table) -> float:
    """(sum w)^2 / sum w^2."""
    weights = _weights(action, propensity, target, [1.0] * len(action))
    return fsum(weights) ** 2 / fsum(w * w for w in weights)


def _weights(action: Sequence[int], propensity: Table, target: Table, reward: Row) -> list[float]:
    return [target[i][a] / propensity[i][a] * reward[i] for i, a in enumerate(action)]
