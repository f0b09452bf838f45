"""Groups of vectors: found again in any sample, and only as many as the texts ask for."""

from __future__ import annotations

import numpy as np
import pytest

from ml.root_cause.cluster import agreement, choose_count, cluster, grown, nearest, space_of, ward_trees
from ml.root_cause.coherence import diversity, npmi_of
from ml.text.embed import DIMENSIONS, Vectors, as_unit


def clouds(count: int, each: int, *, noise: float = 0.4, seed: int = 0) -> tuple[Vectors, np.ndarray]:
    """`each` vectors around each of `count` random directions, and the direction of each."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(count), each)
    centres = as_unit(rng.normal(size=(count, DIMENSIONS)))
    return as_unit(centres[truth] + noise * rng.normal(size=(len(truth), DIMENSIONS)) / np.sqrt(DIMENSIONS) * 2), truth


def exact_agreement(left: np.ndarray, right: np.ndarray) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(left, right))


def test_planted_groups_are_found_and_counted() -> None:
    vectors, truth = clouds(9, 60)
    points = space_of(vectors, 25).project(vectors)
    trees = ward_trees(points)
    assert choose_count(trees, points, 4, 20) in (7, 8, 9, 10, 11, 12, 13)
    assert exact_agreement(cluster(points, 9), truth) > 0.98


def test_the_same_points_give_the_same_groups() -> None:
    vectors, _ = clouds(7, 50, noise=1.0)
    points = space_of(vectors, 25).project(vectors)
    assert np.array_equal(cluster(points, 7), cluster(points.copy(), 7))


def test_a_refit_bears_a_group_where_texts_are_new_and_none_where_they_are_not() -> None:
    vectors, truth = clouds(6, 80)
    space = space_of(vectors, 25)
    points = space.project(vectors)
    means = np.stack([points[truth == number].mean(axis=0) for number in range(6)])
    labels, kept = grown(points, means, 40, 10)
    assert len(kept) == 6
    assert exact_agreement(labels, truth) > 0.98
    labels, more = grown(points, means[:5], 40, 10)
    assert len(more) == 6
    assert exact_agreement(labels, truth) > 0.98


def test_a_refit_lets_go_of_a_group_that_lost_its_texts() -> None:
    vectors, truth = clouds(6, 80)
    points = space_of(vectors, 25).project(vectors)
    means = np.stack([points[truth == number].mean(axis=0) for number in range(6)])
    left = points[(truth != 3) | (np.arange(len(truth)) % 40 == 0)]
    assert len(grown(left, means, 40, 10)[1]) == 5


def test_nearest_is_the_nearest() -> None:
    rng = np.random.default_rng(3)
    points, means = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(7, 4)).astype(np.float32)
    labels, apart = nearest(points, means)
    exact = ((points[:, None] - means[None]) ** 2).sum(axis=2)
    assert np.array_equal(labels, exact.argmin(axis=1))
    assert apart == pytest.approx(exact.min(axis=1), abs=1e-4)


def test_words_that_always_meet_score_one_and_words_that_never_meet_minus_one() -> None:
    from scipy.sparse import csr_matrix

    presence = csr_matrix(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]))
    assert npmi_of(presence, [[0, 1]]) == pytest.approx(1.0)
    assert npmi_of(presence, [[0, 2]]) == -1.0
    assert npmi_of(presence, [[0, 1], [0, 2]]) == pytest.approx(0.0)
    assert npmi_of(presence, [[0]]) == 0.0


def test_diversity_is_the_share_of_different_words() -> None:
    assert diversity([["fee", "card"], ["fee", "app"]]) == 0.75
    assert diversity([]) == 0.0


def test_agreement_is_near_the_exact_adjusted_mutual_information() -> None:
    rng = np.random.default_rng(4)
    for groups, noise in ((5, 0.1), (20, 0.3), (40, 0.6)):
        left = rng.integers(0, groups, 1_200)
        right = np.where(rng.random(1_200) < noise, rng.integers(0, groups, 1_200), left)
        assert agreement(left, right) == pytest.approx(exact_agreement(left, right), abs=0.02)
    assert agreement(left, left) == pytest.approx(1.0)
    # Of no agreement at all the exact figure is 0; 40 groups of 30 texts are as far as the first order is asked to go.
    assert abs(agreement(left, rng.permutation(left))) < 0.05
