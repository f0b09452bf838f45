"""Choosing what a person labels next: unsure, unlike the rest, and a fair random slice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.active import choose, margins


def world(rows: int, *, seed: int = 0, causes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, 8)).astype(np.float32)
    return rng.dirichlet(np.ones(causes), size=rows), vectors


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(0, 40),
    count=st.integers(0, 60),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**20),
)
def test_picks_are_different_rows_and_as_many_as_asked_for(rows: int, count: int, share: float, seed: int) -> None:
    picks = choose(*world(rows), count, audit_share=share, seed=seed)
    assert len(picks) == len({pick.row for pick in picks}) == min(rows, count)
    assert all(0 <= pick.row < rows and 0 <= pick.priority <= 1 for pick in picks)
    assert all((pick.inclusion > 0) == (pick.reason == "audit") for pick in picks)


def test_the_unsure_picks_are_those_with_the_smallest_margin() -> None:
    probabilities, vectors = world(100)
    picks = choose(probabilities, vectors, 20, audit_share=0, seed=1)
    unsure = [pick.row for pick in picks if pick.reason == "uncertain"]
    assert unsure == np.argsort(margins(probabilities), kind="stable")[:10].tolist()


def test_diverse_picks_do_not_take_the_same_text_twice_while_others_are_as_unsure() -> None:
    vectors = np.repeat(np.eye(8, dtype=np.float32), 10, axis=0)
    picks = choose(np.full((80, 2), 0.5), vectors, 14, audit_share=0, seed=1)
    diverse = [pick.row // 10 for pick in picks if pick.reason == "diverse"]
    assert len(set(diverse)) == 7


def test_the_audit_weighted_by_inclusion_estimates_the_accuracy_of_all_rows_without_bias() -> None:
    probabilities, vectors = world(200)
    right = probabilities.max(axis=1) > 0.55
    estimates = []
    for seed in range(300):
        audit = [pick for pick in choose(probabilities, vectors, 50, seed=seed) if pick.reason == "audit"]
        assert len(audit) == 10
        estimates.append(sum(right[pick.row] / pick.inclusion for pick in audit) / 200)
    assert np.mean(estimates) == pytest.approx(right.mean(), abs=0.03)


def test_rows_picked_on_purpose_would_mislead_where_the_audit_does_not() -> None:
    probabilities, vectors = world(200)
    right = probabilities.max(axis=1) > 0.55
    chosen = [pick.row for pick in choose(probabilities, vectors, 60, seed=0) if pick.reason == "uncertain"]
    assert right[chosen].mean() < right.mean() - 0.1


def test_the_same_seed_gives_the_same_picks_and_another_seed_another_audit() -> None:
    probabilities, vectors = world(100)
    first, again = (choose(probabilities, vectors, 20, seed=5) for _ in range(2))
    assert first == again
    assert {p.row for p in choose(probabilities, vectors, 20, seed=6) if p.reason == "audit"} != {
        p.row for p in first if p.reason == "audit"
    }


@pytest.mark.parametrize(("share", "count"), [(-0.1, 3), (1.5, 3), (0.2, -1)])
def test_settings_that_mean_nothing_are_refused(share: float, count: int) -> None:
    with pytest.raises(ValueError, match="audit share"):
        choose(*world(10), count, audit_share=share, seed=0)


def test_vectors_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="vectors"):
        choose(world(10)[0], world(9)[1], 3, seed=0)
