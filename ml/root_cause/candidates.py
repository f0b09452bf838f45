"""Rare, new problems: small dense groups of recent texts that no theme explains yet.

Belongs here: finding them. Not here: what becomes of them (`registry.py`: a candidate waits for a person or for growth).

Method: what is left of a recent text once its theme's direction is taken out is compared with what is left of the other
recent texts; around the text with most neighbours a group is formed. It is a candidate when it is met in the newest
weeks far more often than its rate before allows (one-sided Poisson test). One text says nothing; copies of one text sent
many times are a group like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.cluster import Labels
from ml.text.embed import Vectors, as_unit


@dataclass(frozen=True, slots=True)
class Dated:
    """Texts with their vectors (n, DIMENSIONS), when each was written (seconds since 1970) and the id of its row."""

    texts: Sequence[str]
    vectors: Vectors
    occurred: Sequence[float]
    row_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class CandidateParams:
    """What counts as rare and new. `recent_days` before the newest text; `most` recent texts are looked at."""

    recent_days: float = 21.0
    smallest: int = 8
    most: int = 3_000
    at_most: int = 5
    # Cosine of two remainders: texts that merely share a theme are near 0, two reports of one incident near 0.6.
    near: float = 0.4
    growth: float = 3.0
    significance: float = 1e-3


@dataclass(frozen=True, slots=True)
class Group:
    """One candidate: places of its texts in the newest ones given, its unit centroid, and how often it was expected."""

    rows: NDArray[np.int64]
    centroid: Vectors
    expected: float


def find_groups(dated: Dated, centroids: Vectors, params: CandidateParams | None = None) -> list[Group]:
    """Candidates among the newest texts, most frequent first; `rows` are places in `dated`."""
    params = params or CandidateParams()
    when = np.asarray(dated.occurred, dtype=np.float64)
    if len(when) < 2 * params.smallest or not len(centroids):
        return []
    is_recent = when > when.max() - params.recent_days * 86_400
    recent = np.flatnonzero(is_recent)
    recent = recent[np.argsort(-when[recent], kind="stable")][: params.most]
    older = np.flatnonzero(~is_recent)
    older = older[:: max(1, len(older) // params.most)]
    left = _remainders(dated.vectors[recent], centroids)
    before = _remainders(dated.vectors[older], centroids)
    return [
        Group(np.sort(recent[rows]), _mean(dated.vectors[recent[rows]]), expected)
        for rows, expected in _dense(left, before, params)
    ]


def _dense(left: Vectors, before: Vectors, params: CandidateParams) -> list[tuple[Labels, float]]:
    from scipy.stats import poisson

    alike = left @ left.T >= params.near
    free = np.ones(len(left), dtype=bool)
    found: list[tuple[Labels, float]] = []
    while len(found) < params.at_most and free.any():
        neighbours = (alike & free).sum(axis=1) * free
        leader = int(neighbours.argmax())
        if neighbours[leader] < params.smallest:
            break
        rows = np.flatnonzero(alike[leader] & free)
        centre = _mean(left[rows])
        # Around the mean of the group, not around the one text that happened to lead it.
        rows = np.flatnonzero((left @ centre >= params.near) & free)
        free[rows] = False
        free[leader] = False
        expected = float((before @ centre >= params.near).sum()) * len(left) / max(len(before), 1)
        often = len(rows) >= max(params.smallest, params.growth * expected)
        if often and poisson.sf(len(rows) - 1, expected + 0.5) < params.significance:
            found.append((rows, expected))
    return found


def _remainders(vectors: Vectors, centroids: Vectors) -> Vectors:
    """Unit vectors less their part in the direction of the nearest centroid, of length one again."""
    if not len(vectors):
        return np.zeros((0, centroids.shape[1]), dtype=np.float32)
    unit = as_unit(vectors)
    cosine = unit @ centroids.T
    nearest = cosine.argmax(axis=1)
    return as_unit(unit - cosine[np.arange(len(unit)), nearest][:, None] * centroids[nearest])


def _mean(vectors: Vectors) -> Vectors:
    return np.asarray(as_unit(as_unit(vectors).mean(axis=0, keepdims=True))[0])
