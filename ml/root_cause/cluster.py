"""Groups of near vectors: the same input gives the same groups, and a little other input gives nearly the same ones.

Belongs here: reduction, clustering and the choice of how many groups. Not here: words, names, or identity across fits.

Method: principal components of the unit vectors; Ward's method (Ward 1963) on several interleaved coresets of the
texts, each cut into more groups than wanted and moved to its means on all texts (k-means, Lloyd 1982); the pooled means
of all coresets are joined by Ward once more into the groups wanted (consensus of an ensemble; Strehl and Ghosh 2002).
Nothing is drawn by chance. Agreement between samples: docs/themes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.text.embed import Vectors, as_unit

Labels = NDArray[np.int64]
Points = NDArray[np.float32]

_CORESETS = 6
_CORESET_TEXTS = 500
# Texts the means of a coreset settle on, and texts the components are taken from: more change nothing that is seen.
_ENOUGH_TEXTS = 2_000
_PROBE_TEXTS = 1_200
# Agreement a larger number of groups may lack, as a share of what the best lacks to 1: finer groups are more useful to
# an owner, but clear groups (agreement near 1) are not cut up.
_NEARLY = 0.35
# Each coreset is cut finer than wanted, so that a border in the wrong place can be mended when the means are pooled.
_FINER = 1.5


@dataclass(frozen=True, slots=True)
class Space:
    """Where clustering happens: principal components (DIMENSIONS, n) of unit vectors less their mean."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def project(self, vectors: Vectors) -> Points:
        """Coordinates (n, components) of any vectors."""
        return self.place(as_unit(vectors))

    def place(self, unit: Vectors) -> Points:
        """`project` for vectors that are of length one already."""
        return np.asarray(unit @ self.components - self.mean @ self.components, dtype=np.float32)


def space_of(vectors: Vectors, components: int) -> Space:
    """The space of a fit on these vectors (n, DIMENSIONS)."""
    from scipy.linalg import eigh

    unit = as_unit(_some(vectors))
    mean = unit.mean(axis=0)
    centred = unit - mean
    # By the covariance matrix: with many more texts than dimensions the same components for a tenth of the work.
    last, many = vectors.shape[1] - 1, min(components, *vectors.shape)
    scatter = (centred.T @ centred).astype(np.float64)
    kept = eigh(scatter, subset_by_index=[last - many + 1, last])[1][:, ::-1]
    return Space(mean, _signed(kept).astype(np.float32))


def _some(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most about _ENOUGH_TEXTS rows, evenly spaced."""
    return rows[:: max(1, len(rows) // _ENOUGH_TEXTS)]


def _signed(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions with their largest entry positive: eigenvectors come with either sign, depending on the library."""
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.where(directions[largest, np.arange(directions.shape[1])] < 0, -1.0, 1.0)


def cluster(
    points: Points, count: int, cuts: tuple[NDArray[np.float64], ...] | None = None, *, smallest: int = 1
) -> Labels:
    """At most `count` groups of `points` (n, components), numbered without gaps, none of fewer than `smallest`."""
    from scipy.cluster.hierarchy import fcluster, linkage

    trees = cuts or ward_trees(points)
    some, pool = _some(points), []
    for start, tree in enumerate(trees):
        core = _coreset(points, start)
        finer = fcluster(tree, min(round(_FINER * count), len(core)), "maxclust") - 1
        pool.append(settled(some, _means(core, finer), rounds=4)[1])
    means = np.concatenate(pool)
    joined = fcluster(linkage(means, "ward"), min(count, len(means)), "maxclust") - 1
    labels, means = settled(points, _means(means, joined))
    enough = np.bincount(labels) >= smallest
    return labels if enough.all() or not enough.any() else settled(points, means[enough])[0]


def ward_trees(points: Points) -> tuple[NDArray[np.float64], ...]:
    """Ward's tree of every coreset: evenly spaced texts, each coreset beginning one text later."""
    from scipy.cluster.hierarchy import linkage

    many = min(_CORESETS, max(1, len(points) // 50))
    return tuple(linkage(_coreset(points, start), "ward") for start in range(many))


def _coreset(points: Points, start: int) -> Points:
    return points[start :: max(1, len(points) // _CORESET_TEXTS)][:_CORESET_TEXTS]


def settled(points: Points, means: Points, *, rounds: int = 8) -> tuple[Labels, Points]:
    """Labels and means after k-means from the given means; a mean no point is nearest to disappears."""
    labels = _nearest_of(points, means)[0]
    for _ in range(rounds):
        means = _means(points, labels)
        moved = _nearest_of(points, means)[0]
        if len(means) == labels.max() + 1 and (moved == labels).all():
            break
        labels = moved
    return np.unique(labels, return_inverse=True)[1], _means(points, labels)


def nearest(points: Points, means: Points) -> tuple[Labels, NDArray[np.float32]]:
    """Nearest mean and the squared distance to it, per point."""
    labels, apart = _nearest_of(points, means)
    best = apart[np.arange(len(points)), labels] + (points**2).sum(axis=1)
    return labels, np.maximum(best, 0)


def _nearest_of(points: Points, means: Points) -> tuple[Labels, Points]:
    """Nearest mean per point, and squared distances (points, means) less each point's own square: enough to compare."""
    apart = points @ (-2 * means.T)
    apart += (means**2).sum(axis=1)
    return apart.argmin(axis=1), apart


def _apart(points: Points, means: Points) -> Points:
    """Squared distances (points, means)."""
    squares = (points**2).sum(axis=1)[:, None] + (means**2).sum(axis=1) - 2 * points @ means.T
    return np.asarray(np.maximum(squares, 0), dtype=np.float32)


def _means(points: Points, labels: Labels) -> Points:
    """Mean of every label that has a point, in the order of labels."""
    from scipy.sparse import csr_array

    sizes = np.bincount(labels)
    # One row per label that adds up its points, in their order and in double precision.
    order = np.argsort(labels, kind="stable")
    ends = np.concatenate([[0], np.cumsum(sizes)])
    adding = csr_array((np.ones(len(labels)), order, ends), shape=(len(sizes), len(labels)))
    sums = adding @ points.astype(np.float64)
    held = sizes > 0
    return np.asarray(sums[held] / sizes[held][:, None], dtype=np.float32)


def grown(points: Points, start: Points, most: int, smallest: int) -> tuple[Labels, Points]:
    """Groups that start from the means of the fit before and change only where the texts ask for it.

    A group is born where a group of the fresh clustering explains its texts by a third better than any mean there is,
    and has at least `smallest` texts; a group of fewer than `smallest` texts ends. At most `most` groups.
    """
    fresh = _means(points, cluster(points, max(2, min(most, len(start) + 4))))
    means = start
    while len(means) < most:
        best = nearest(points, means)[1]
        apart = _apart(points, fresh)
        won = apart < best[:, None]
        captured = won.sum(axis=0)
        gain = np.where(won, best[:, None] - apart, 0).sum(axis=0)
        relative = gain / np.maximum(np.where(won, best[:, None], 0).sum(axis=0), 1e-12)
        good = (captured >= smallest) & (relative >= _BORN_GAIN)
        if not good.any():
            break
        means = np.vstack([means, fresh[int(np.where(good, gain, -1).argmax())]])
    labels, means = settled(points, means)
    enough = np.bincount(labels) >= smallest
    return settled(points, means[enough]) if not enough.all() and enough.any() else (labels, means)


# Share of their squared distance a new mean must save its texts. A planted new subject saves 0.6 and more; cutting a
# known group of news or tweets in two saves up to 0.3.
_BORN_GAIN = 0.35


def choose_count(trees: tuple[NDArray[np.float64], ...], points: Points, lowest: int, highest: int) -> int:
    """Number of groups between the bounds: the largest on which different samples agree nearly as well as on the best.

    Agreement is that of the groups two coresets without a common text give to the same texts
    (stability; Lange et al. 2004), on a geometric ladder. The silhouette was tried and likes many groups on sentence
    vectors, whether or not they can be found again.
    """
    from scipy.cluster.hierarchy import fcluster

    ladder = sorted({round(float(count)) for count in np.geomspace(lowest, highest, num=5)})
    probe = points[:: max(1, len(points) // _PROBE_TEXTS)]
    trees = trees[:4]
    half = max(1, len(trees) // 2)
    scores = []
    for count in ladder:
        given = [
            nearest(probe, _means(_coreset(points, start), fcluster(tree, count, "maxclust") - 1))[0]
            for start, tree in enumerate(trees)
        ]
        pairs = zip(given[:half], given[half : 2 * half], strict=False)
        scores.append(float(np.mean([agreement(*pair) for pair in pairs] or [0.0])))
    best = max(scores)
    return max(count for count, score in zip(ladder, scores, strict=True) if score >= best - _NEARLY * (1 - best))


def agreement(left: Labels, right: Labels) -> float:
    """Mutual information of two groupings less what chance gives, over the mean entropy less the same; 1 when equal.

    Chance is its first-order term, (groups - 1)(groups - 1) / 2n (Miller 1955), good enough to compare numbers of groups
    on the same texts at a hundredth of the time of the exact adjustment (Vinh et al. 2010).
    """
    cells = np.bincount(left * (int(right.max()) + 1) + right, minlength=(int(left.max()) + 1) * (int(right.max()) + 1))
    joint = cells.reshape(int(left.max()) + 1, -1) / len(left)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    apart = _entropy(rows) + _entropy(columns)
    chance = (np.count_nonzero(rows) - 1) * (np.count_nonzero(columns) - 1) / (2 * len(left))
    most = apart / 2 - chance
    return float((apart - _entropy(joint.ravel()) - chance) / most) if most > 1e-9 else 1.0


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())


def silhouette(points: Points, labels: Labels) -> float:
    """Simplified silhouette, -1 to 1; 0 for a single group."""
    means = _means(points, labels)
    if len(means) < 2:
        return 0.0
    apart = _apart(points, means)
    two = np.sqrt(np.partition(apart, 1, axis=1)[:, :2])
    return float(np.mean((two[:, 1] - two[:, 0]) / np.maximum(two[:, 1], 1e-12)))


def in_one_thread() -> Any:
    """Context in which linear algebra keeps to one thread: matrices this small cost twice the CPU time in two."""
    return _threads().limit(limits=1)


@cache
def _threads() -> Any:
    # Looking for the libraries takes 30 ms, a tenth of a fit.
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
