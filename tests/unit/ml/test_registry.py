"""Themes keep their id while topics are refitted, renumbered and born."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.registry import SAME_THEME, ThemeRegistry, register
from ml.root_cause.topics import Topic
from ml.text.embed import DIMENSIONS, Vectors, as_unit


def centroids(count: int, seed: int = 0) -> Vectors:
    return as_unit(np.random.default_rng(seed).normal(size=(count, DIMENSIONS)))


def nudged(values: Vectors, amount: float, seed: int = 1) -> Vectors:
    noise = np.random.default_rng(seed).normal(size=values.shape) / np.sqrt(DIMENSIONS)
    return as_unit(values + amount * noise)


def topics(count: int, prefix: str = "Topic") -> list[Topic]:
    return [Topic(number, f"{prefix} {number}", ("a", "b"), 10) for number in range(count)]


def test_a_refit_that_moves_little_keeps_every_id_and_its_first_name() -> None:
    first = centroids(10)
    registry, ids = register(ThemeRegistry(), topics(10), first, "fit-1")
    order = np.random.default_rng(2).permutation(10)
    after, again = register(registry, topics(10, "New name"), nudged(first, 0.2)[order], "fit-2")
    assert [again[place] for place in range(10)] == [ids[number] for number in order]
    assert after.theme(ids[0]).name == "Topic 0"
    assert len(set(ids)) == 10


def test_a_topic_far_from_all_themes_is_born_and_a_theme_without_topic_rests() -> None:
    first = centroids(5)
    registry, ids = register(ThemeRegistry(), topics(5), first, "fit-1")
    replaced = np.vstack([first[:4], centroids(1, seed=9)])
    after, again = register(registry, topics(5), replaced, "fit-2")
    assert again[:4] == ids[:4]
    assert again[4] not in ids
    kinds = {event.theme_id: event.kind for event in after.events if event.topic_model_id == "fit-2"}
    assert kinds[again[4]] == "born"
    assert kinds[ids[4]] == "rested"
    _, third = register(after, topics(5), first, "fit-3")
    assert third[4] == ids[4]


def test_two_topics_never_share_a_theme() -> None:
    first = centroids(3)
    registry, ids = register(ThemeRegistry(), topics(3), first, "fit-1")
    doubled = np.vstack([first, nudged(first[:1], 0.1)])
    _, again = register(registry, topics(4), doubled, "fit-2")
    assert len(set(again)) == 4
    assert again[0] == ids[0]


def test_a_match_needs_the_floor() -> None:
    first = centroids(1)
    registry, ids = register(ThemeRegistry(), topics(1), first, "fit-1")
    far = nudged(first, 0.6)
    assert float(far[0] @ first[0]) < SAME_THEME
    assert register(registry, topics(1), far, "fit-2")[1] != ids


def test_the_registry_survives_being_written_as_json() -> None:
    registry, _ = register(ThemeRegistry(), topics(4), centroids(4), "fit-1")
    assert ThemeRegistry.from_json(json.loads(json.dumps(registry.as_json()))) == registry


def named(number: int, *words: str, name: str | None = None) -> Topic:
    return Topic(number, name or f"Topic {number}", words, 10, words)


def test_a_registry_saved_before_themes_had_states_still_loads() -> None:
    theme = {"theme_id": "T-0000000a", "name": "Fees", "keywords": ["fee"], "centroid": [1.0] + [0.0] * (DIMENSIONS - 1),
             "born_in": "fit-1", "last_seen_in": "fit-1"}  # fmt: skip
    registry = ThemeRegistry.from_json({"themes": [theme], "events": [["fit-1", "born", "T-0000000a", None]]})
    assert registry.theme("T-0000000a").state == "active"
    assert registry.events[0].by is None
    assert ThemeRegistry.from_json(json.loads(json.dumps(registry.as_json()))) == registry


def test_the_same_words_carry_a_theme_whose_centroid_moved_some_way() -> None:
    first = centroids(1)
    registry, ids = register(ThemeRegistry(), [named(0, "fee", "overdraft", "charge")], first, "fit-1")
    far = nudged(first, 0.6)
    assert 0.75 < float(far[0] @ first[0]) < SAME_THEME
    assert register(registry, [named(0, "fee", "overdraft", "late")], far, "fit-2")[1] == ids
    assert register(registry, [named(0, "card", "reader", "limit")], far, "fit-2")[1] != ids


def test_texts_that_stayed_together_carry_a_theme_as_well() -> None:
    first = centroids(1)
    registry, ids = register(ThemeRegistry(), topics(1), first, "fit-1")
    assert register(registry, topics(1), nudged(first, 0.6), "fit-2", flow=np.array([[50]]))[1] == ids


def test_a_new_theme_most_of_whose_texts_were_in_one_theme_has_split_off_from_it() -> None:
    first = centroids(2)
    registry, ids = register(ThemeRegistry(), topics(2), first, "fit-1")
    after, again = register(
        registry, topics(3, "New"), np.vstack([first, centroids(1, seed=8)]), "fit-2",
        flow=order_flow(registry, ids, [[60, 0, 40], [0, 100, 5]]),
    )  # fmt: skip
    [event] = [event for event in after.events if event.kind == "split"]
    assert (event.theme_id, event.related, event.share) == (again[2], (ids[0],), 0.4)
    assert after.theme(again[2]).parents == (ids[0],)


def order_flow(registry: ThemeRegistry, ids: tuple[str, ...], rows: list[list[int]]) -> np.ndarray:
    """Rows given in the order of `ids`, in the order of the registry."""
    return np.array([rows[ids.index(theme.theme_id)] for theme in registry.themes])


def test_a_theme_most_of_whose_texts_are_now_in_another_has_merged_into_it_for_good() -> None:
    first = centroids(3)
    registry, ids = register(ThemeRegistry(), topics(3), first, "fit-1")
    flow = order_flow(registry, ids, [[90, 10], [0, 100], [80, 20]])
    after, _ = register(registry, topics(2), first[:2], "fit-2", flow=flow)
    [event] = [event for event in after.events if event.kind == "merged"]
    assert (event.theme_id, event.related, event.share) == (ids[2], (ids[0],), 0.8)
    assert after.heir(ids[2]) == ids[0]
    # Met again, its texts count for the heir.
    assert register(after, topics(3), first, "fit-3")[1] == (ids[0], ids[1], ids[0])


def test_a_theme_not_met_three_times_is_retired_and_comes_back_under_its_id() -> None:
    first = centroids(3)
    registry, ids = register(ThemeRegistry(), topics(3), first, "fit-1")
    for number in range(2, 5):
        registry, _ = register(registry, topics(2), first[:2], f"fit-{number}")
    assert [event.kind for event in registry.events if event.theme_id == ids[2]] == [
        "born",
        "rested",
        "rested",
        "retired",
    ]
    registry, _ = register(registry, topics(2), first[:2], "fit-5")
    assert registry.theme(ids[2]).state == "retired"
    registry, again = register(registry, topics(3), first, "fit-6")
    assert again[2] == ids[2]
    assert registry.events[-1].kind == "returned"
    assert registry.theme(ids[2]).state == "active"


def test_a_candidate_that_grows_to_a_topic_is_confirmed_by_itself() -> None:
    first = centroids(2)
    registry, ids = register(
        ThemeRegistry(), topics(2), first, "fit-1", candidates=frozenset({1}), examples={1: ("s-1",)}
    )
    assert registry.theme(ids[1]).state == "candidate"
    assert registry.theme(ids[1]).examples == ("s-1",)
    after, again = register(registry, topics(2), first, "fit-2")
    assert again == ids
    assert after.theme(ids[1]).state == "active"
    assert after.events[-1].kind == "confirmed"


def test_living_themes_never_share_a_name() -> None:
    registry, _ = register(ThemeRegistry(), [named(0, "fee", name="Fees")], centroids(1), "fit-1")
    again = [named(0, "overdraft", name="Fees"), named(1, "late", name="Fees"), Topic(2, "Fees", (), 5)]
    after, _ = register(registry, again, centroids(3, seed=5), "fit-2")
    assert sorted(theme.name for theme in after.themes) == ["Fees", "Fees (2)", "Fees: late", "Fees: overdraft"]


def test_a_copy_in_another_language_has_the_theme_of_its_original() -> None:
    both = [Topic(0, "Fees", (), 10), Topic(1, "Fees", (), 4, (), "fee", 0)]
    registry, ids = register(ThemeRegistry(), both, centroids(2), "fit-1")
    assert ids[0] == ids[1]
    assert len(registry.themes) == 1


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 99), st.floats(0, 1.5))
@settings(max_examples=40, deadline=None)
def test_whatever_a_refit_brings_ids_stay_unique_and_nothing_known_is_lost(
    old: int, new: int, seed: int, noise: float
) -> None:
    first = centroids(old, seed)
    registry, ids = register(ThemeRegistry(), topics(old), first, "fit-1")
    second = nudged(np.resize(first, (new, DIMENSIONS)), noise, seed + 1)
    flow = np.random.default_rng(seed).integers(0, 30, size=(old, new))
    after, again = register(registry, topics(new, "New"), second, "fit-2", flow=flow)
    assert len(set(again)) == new
    assert {theme.theme_id for theme in after.themes} >= {*ids, *again}
    assert after.events[: len(registry.events)] == registry.events
    assert all(after.theme(name).name == registry.theme(name).name for name in ids)
    living = [theme.name for theme in after.themes if theme.state not in ("merged", "rejected")]
    assert len(living) == len(set(living))
