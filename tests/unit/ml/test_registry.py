"""Themes keep their id while topics are refitted, renumbered and born."""

from __future__ import annotations

import json

import numpy as np

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
