"""Which texts a person should label next: what the model is unsure of, what is unlike the rest, and a random slice.

Belongs here: choosing rows from probabilities and vectors. Not here: the review queue itself (`review.py`) and what is
done with the answers. The random slice is drawn first and from all rows, so that accuracy on it, weighted by one over
the probability of inclusion (Horvitz & Thompson 1952), is an unbiased estimate; the other rows are picked on purpose
and must never be averaged over.

Method: smallest margin between the two likeliest causes (Scheffer et al. 2001), and greedy k-centre (Gonzalez 1985; Sener
& Savarese 2018) over distances multiplied by how unsure the model is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.text.embed import Vectors, as_unit

Floats = NDArray[np.float64]
Reason = Literal["uncertain", "diverse", "audit"]

# Of the rows picked on purpose, this share is picked for the margin alone.
_BY_MARGIN = 0.5
# Diverse picks come from this many times as many of the least sure rows: from all rows, odd but clear texts are picked
# and 8 % more labels are needed for the same accuracy (Banking77).
_DIVERSE_AMONG = 4


@dataclass(frozen=True, slots=True)
class Pick:
    """One row to label. `priority` is in [0, 1], larger first. `inclusion` is the probability with which chance took
    the row for the audit, and 0 for rows picked on purpose, which no estimate may use."""

    row: int
    reason: Reason
    priority: float
    inclusion: float


def choose(probabilities: Floats, vectors: Vectors, count: int, *, audit_share: float = 0.2, seed: int) -> list[Pick]:
    """Up to `count` different rows of probabilities (n, causes) and vectors (n, dimensions), by decreasing priority
    within each reason: audit rows, then the unsure, then the diverse.

    The audit is a simple random sample of all n rows, at least one row while `audit_share` is above 0. Raises
    ValueError when the shapes disagree, the share is outside [0, 1] or `count` is negative.
    """
    rows = len(probabilities)
    if len(vectors) != rows:
        raise ValueError(f"{rows} rows of probabilities but {len(vectors)} vectors")
    if not 0 <= audit_share <= 1 or count < 0:
        raise ValueError(f"audit share {audit_share} must be in [0, 1] and count {count} at least 0")
    count = min(count, rows)
    doubt = 1 - margins(probabilities)
    audits = _audit(rows, count, audit_share, seed)
    picks = [Pick(row, "audit", _rounded(doubt[row]), len(audits) / rows) for row in audits]
    free = np.ones(rows, dtype=bool)
    free[audits] = False
    wanted = count - len(audits)
    unsure = _least_sure(doubt, free, round(wanted * _BY_MARGIN))
    free[unsure] = False
    picks += [Pick(row, "uncertain", _rounded(doubt[row]), 0.0) for row in unsure]
    return picks + _spread(doubt, as_unit(vectors), free, [*audits, *unsure], wanted - len(unsure))


def margins(probabilities: Floats) -> Floats:
    """Difference of the two largest probabilities per row (n,); 1 where there is one cause only."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    best = np.partition(probabilities, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], dtype=np.float64)


def _audit(rows: int, count: int, share: float, seed: int) -> list[int]:
    """A simple random sample without replacement, sorted."""
    wanted = min(count, max(1, round(count * share))) if share > 0 and count else 0
    drawn = np.random.default_rng(seed).choice(rows, size=wanted, replace=False) if wanted else np.zeros(0, dtype=int)
    return sorted(int(row) for row in drawn)


def _least_sure(doubt: Floats, free: NDArray[np.bool_], count: int) -> list[int]:
    order = np.argsort(-doubt, kind="stable")
    return [int(row) for row in order[free[order]][:count]]


def _spread(doubt: Floats, vectors: Vectors, free: NDArray[np.bool_], taken: list[int], count: int) -> list[Pick]:
    """Greedy: each time the unsure row with the largest doubt times distance to whatever has been taken."""
    if count <= 0:
        return []
    among = _least_sure(doubt, free, _DIVERSE_AMONG * count)
    # Equals of the last one belong to it too: while all are as unsure, distance alone decides.
    border = doubt[among[-1]] if among else np.inf
    away = np.ones(len(doubt))
    for row in taken:
        away = np.minimum(away, _distance(vectors, row))
    picks: list[Pick] = []
    open_rows = free & (doubt >= border)
    for _ in range(min(count, len(among))):
        worth = np.where(open_rows, doubt * away, -1.0)
        row = int(worth.argmax())
        picks.append(Pick(row, "diverse", _rounded(worth[row]), 0.0))
        open_rows[row] = False
        away = np.minimum(away, _distance(vectors, row))
    return picks


def _distance(vectors: Vectors, row: int) -> Floats:
    """Half of one minus the cosine, in [0, 1]."""
    return np.asarray(np.clip((1 - vectors @ vectors[row]) / 2, 0, 1), dtype=np.float64)


def _rounded(value: float) -> float:
    return round(float(np.clip(value, 0, 1)), 6)
