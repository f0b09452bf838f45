"""How much a ranking by predicted effect is worth: curves of effect gained over the share treated.

Belongs here: TOC and Qini curves with their areas. Not here: the predictions being ranked (`individual.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.heterogeneity import individual_scores
from ml.recovery.pairs import Floats, Pair, clustered_error, interval


@dataclass(frozen=True, eq=False)
class Curves:
    """A ranking's curves at `shares` of attempts treated, best first.

    `toc` is the mean effect among the best share less the mean of all (Yadlowsky et al. 2021), `qini` the effect gained
    per attempt when that share is treated and `qini_random` when as many are treated at random (Radcliffe 2007).
    `autoc` is the area under `toc`, `coefficient` that between the Qini curves, each with a 95 % interval clustered by
    customer; near zero when the ranking says nothing. NaN for fewer than two attempts.
    """

    shares: Floats
    toc: Floats
    qini: Floats
    qini_random: Floats
    autoc: float
    autoc_low: float
    autoc_high: float
    coefficient: float
    coefficient_low: float
    coefficient_high: float


def curves(pair: Pair, predicted: Floats | None = None, *, points: int = 20) -> Curves:
    """Curves of the ranking by `predicted` (m,), which must not have seen the attempts it ranks; by the cross-fitted
    difference of expected outcomes when none is given. Equal predictions share their places."""
    ranking = pair.mu1 - pair.mu0 if predicted is None else predicted
    return curves_of(individual_scores(pair), ranking, pair.cluster, points=points)


def curves_of(scores: Floats, ranking: Floats, cluster: NDArray[np.int64], *, points: int = 20) -> Curves:
    """The same from doubly robust scores of the effect (m,). Raises ValueError when lengths differ."""
    if not len(scores) == len(ranking) == len(cluster):
        raise ValueError(
            f"scores, ranking and clusters differ in length: {len(scores)}, {len(ranking)}, {len(cluster)}"
        )
    shares = np.linspace(1 / points, 1.0, points)
    n = len(scores)
    if n < 2:
        nothing = np.full(points, np.nan)
        return Curves(shares, nothing, nothing, nothing, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
    order = np.argsort(-ranking, kind="stable")
    ordered = _even(scores[order], ranking[order])
    mean = float(scores.mean())
    gained = np.concatenate([[0.0], np.cumsum(ordered)]) / n
    qini = np.interp(shares * n, np.arange(n + 1), gained)
    weights = np.empty(n)
    places = np.arange(1, n + 1)
    # TOC(k / n) averages the best k: summed over k, place i counts 1/i + ... + 1/n, of which 1 is the mean of all.
    weights[order] = _even(np.cumsum(1.0 / places[::-1])[::-1] - 1, ranking[order])
    lifts = np.empty(n)
    lifts[order] = _even((n - places + 0.5) / n - 0.5, ranking[order])
    return Curves(
        shares,
        qini / shares - mean,
        qini,
        shares * mean,
        *_area(weights, scores, cluster),
        *_area(lifts, scores, cluster),
    )


def _area(weights: Floats, scores: Floats, cluster: NDArray[np.int64]) -> tuple[float, float, float]:
    centred = scores - scores.mean()
    point = float(weights @ centred) / len(scores)
    error, freedom = clustered_error(weights * centred - point, cluster, len(scores))
    return point, *interval(point, error, freedom)


def _even(values: Floats, ranking: Floats) -> Floats:
    """Values averaged over runs of equal ranking: the order within a tie is nobody's merit."""
    starts = np.flatnonzero(np.concatenate([[True], ranking[1:] != ranking[:-1]]))
    sizes = np.diff(np.append(starts, len(values)))
    return np.repeat(np.add.reduceat(values, starts) / sizes, sizes)
