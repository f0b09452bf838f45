"""Themes over refits: ids survive more data, large changes wait, people's decisions hold, new problems surface."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.outputs import THEME_EVENT
from ml.root_cause.candidates import Dated, find_groups
from ml.root_cause.registry import ThemeRegistry
from ml.root_cause.theme_events import event_table, history
from ml.root_cause.theme_review import (
    TOPICS,
    DecisionRefused,
    approve,
    confirm,
    keep_fit,
    merge,
    pending_fit,
    reject,
    reject_fit,
    rename,
)
from ml.root_cause.themes import ThemeModel, fit_themes, load_theme_model
from ml.root_cause.topics import TopicParams, assign
from ml.store import ModelStore
from tests.unit.ml.conftest import CountingEncoder

SUBJECTS = {
    "fees": "overdraft fee charged statement interest monthly",
    "card": "card declined terminal reader payment shop",
    "app": "app crash login screen update phone",
    "transfer": "transfer missing wire pending recipient days",
    "branch": "branch queue teller counter lunch waited",
    "loan": "mortgage application underwriting decision broker papers",
}
NEW = {"robbed": "parking meter swallowed coins garage barrier", "cash": "atm cash dispensed short notes machine"}
PARAMS = TopicParams(clusters=6)
DAY = 86_400.0
encode = CountingEncoder()


def texts_about(words: str, count: int, seed: int) -> list[str]:
    rng = random.Random(f"{words}{seed}")
    common = ["bank", "account", "customer", "problem", "today", "service"]
    return [" ".join(rng.sample(words.split(), 4) + rng.sample(common, 2)) for _ in range(count)]


def corpus(each: int, seed: int = 0, subjects: dict[str, str] = SUBJECTS) -> list[str]:
    return sorted({text for words in subjects.values() for text in texts_about(words, each, seed)})


def fitted(texts: list[str], previous: ThemeModel | None = None, **more: object) -> ThemeModel:
    registry = previous.registry if previous else ThemeRegistry()
    return fit_themes(texts, encode(texts), PARAMS, registry=registry, previous=previous, **more)[0]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def first() -> ThemeModel:
    return fitted(corpus(80), at="2026-01-05T08:00:00+00:00")


@pytest.fixture
def store(tmp_path: Path, first: ThemeModel) -> ModelStore:
    store = ModelStore(tmp_path)
    assert keep_fit(store, first, PARAMS, None)
    return store


def active(store: ModelStore) -> ThemeModel:
    stored = store.active(TOPICS)
    assert stored is not None
    return load_theme_model(stored)


WHO = {"by": "E001", "at": "2026-02-01T09:00:00+00:00"}


def test_a_refit_on_a_tenth_more_texts_keeps_every_theme(first: ThemeModel) -> None:
    again = fitted(sorted({*corpus(80), *corpus(8, seed=1)}), first)
    assert set(again.theme_ids) == set(first.theme_ids)
    assert again.change is not None
    assert again.change.moved < 0.05
    assert (again.change.born, again.change.gone) == (0, 0)


def test_a_subject_that_is_new_is_born_beside_the_others(first: ThemeModel) -> None:
    params = replace(PARAMS, clusters=8)
    texts = sorted({*corpus(80), *corpus(40, subjects=NEW)})
    again = fit_themes(texts, encode(texts), params, registry=first.registry, previous=first)[0]
    assert set(again.theme_ids) > set(first.theme_ids)
    born = [again.registry.theme(name) for name in again.theme_ids if name not in first.theme_ids]
    assert {word for theme in born for word in theme.words} >= {"parking", "atm"}


def test_the_model_survives_the_store_and_an_older_one_loads(store: ModelStore, first: ThemeModel) -> None:
    loaded = active(store)
    assert loaded.registry == first.registry
    assert loaded.topics == first.topics
    assert np.array_equal(loaded.centroids, first.centroids)
    files = dict(first.files())
    del files["about.json"]
    store.save(TOPICS, "topics-old", files)
    assert load_theme_model(store.load(TOPICS, "topics-old")).topic_model_id == "topics-old"


def test_a_large_change_waits_while_the_model_in_force_goes_on(store: ModelStore, first: ThemeModel) -> None:
    other = fitted(
        corpus(80, subjects={**NEW, **dict(list(SUBJECTS.items())[:2])}), first, at="2026-03-01T00:00:00+00:00"
    )
    assert not keep_fit(store, other, PARAMS, "2026-03-01T00:00:00+00:00")
    assert active(store).topic_model_id == first.topic_model_id
    waiting = pending_fit(store)
    assert waiting is not None
    assert waiting[0].topic_model_id == other.topic_model_id
    assert waiting[1]["gone"] >= 3
    kept = rename(store, first.theme_ids[0], "Mine to name", **WHO)
    approved = approve(store, **WHO)
    assert active(store).topic_model_id == other.topic_model_id == approved.topic_model_id
    assert pending_fit(store) is None
    # What was decided while the change waited is not lost with it.
    assert active(store).registry.theme(first.theme_ids[0]).name == kept.registry.theme(first.theme_ids[0]).name
    assert {(event.by, event.at) for event in approved.registry.events if event.kind == "approved"} == {
        tuple(WHO.values())
    }


def test_a_pending_change_can_be_given_up(store: ModelStore, first: ThemeModel) -> None:
    other = fitted(corpus(80, subjects=NEW), first)
    assert not keep_fit(store, other, PARAMS, None)
    assert reject_fit(store) == other.topic_model_id
    assert active(store).topic_model_id == first.topic_model_id
    for decision in (lambda: approve(store, **WHO), lambda: reject_fit(store)):
        with pytest.raises(DecisionRefused, match="pending"):
            decision()


def test_a_persons_name_survives_refits_and_can_be_taken_back_by_the_pointer(
    store: ModelStore, first: ThemeModel
) -> None:
    theme_id = first.theme_ids[2]
    renamed = rename(store, theme_id, "  What   people call it ", **WHO)
    assert renamed.topic_model_id == first.topic_model_id
    again = fitted(corpus(84, seed=2), active(store))
    assert again.registry.theme(theme_id).name == "What people call it"
    assert again.registry.theme(theme_id).named_by == "E001"
    store.promote(TOPICS, first.version)
    assert active(store).registry.theme(theme_id).name == first.registry.theme(theme_id).name


def test_names_that_would_confuse_are_refused(store: ModelStore, first: ThemeModel) -> None:
    taken = first.registry.theme(first.theme_ids[1]).name
    for theme_id, name, why in (
        (first.theme_ids[0], taken.upper(), "another theme"),
        (first.theme_ids[0], " ", "characters"),
        ("T-ffffffff", "Some name", "no theme"),
    ):
        with pytest.raises(DecisionRefused, match=why):
            rename(store, theme_id, name, **WHO)


def test_themes_a_person_merged_stay_one(store: ModelStore, first: ThemeModel) -> None:
    small, large = first.theme_ids[5], first.theme_ids[0]
    merged = merge(store, small, large, **WHO)
    assert merged.theme_ids.count(large) == 2
    again = fitted(sorted({*corpus(80), *corpus(8, seed=1)}), merged)
    assert small not in again.theme_ids
    assert again.theme_ids.count(large) == 2
    with pytest.raises(DecisionRefused, match="one theme"):
        merge(store, large, small, **WHO)


def dated(planted: int) -> tuple[Dated, set[str]]:
    """A year of the known subjects, and in the newest fortnight `planted` texts about a machine that eats coins."""
    old = corpus(120, seed=4)
    new = sorted(set(texts_about(NEW["robbed"], planted * 3, 5)))[:planted]
    rng = random.Random(1)
    occurred = [rng.uniform(0, 365) * DAY for _ in old] + [rng.uniform(352, 365) * DAY for _ in new]
    ids = [f"s-{number}" for number in range(len(old) + len(new))]
    return Dated([*old, *new], encode([*old, *new]), occurred, ids), set(ids[len(old) :])


def test_a_small_new_problem_surfaces_as_a_candidate_with_examples(store: ModelStore, first: ThemeModel) -> None:
    rows, planted = dated(12)
    again = fitted(sorted({*corpus(80), *corpus(8, seed=1)}), first, dated=rows)
    [theme] = [theme for theme in again.registry.themes if theme.state == "candidate"]
    assert set(theme.examples) <= planted
    assert len(theme.examples) == 10
    assert {"parking", "coins"} & set(theme.words)
    topic = again.theme_ids.index(theme.theme_id)
    found = assign(rows.vectors, again.centroids)[0] == topic
    assert {rows.row_ids[row] for row in np.flatnonzero(found)} == planted
    keep_fit(store, again, PARAMS, None)
    assert confirm(store, theme.theme_id, **WHO).registry.theme(theme.theme_id).state == "active"
    with pytest.raises(DecisionRefused, match="no candidate"):
        confirm(store, theme.theme_id, **WHO)


def test_a_rejected_candidate_is_not_proposed_again(store: ModelStore, first: ThemeModel) -> None:
    rows, _ = dated(12)
    texts = sorted({*corpus(80), *corpus(8, seed=1)})
    again = fitted(texts, first, dated=rows)
    keep_fit(store, again, PARAMS, None)
    [candidate] = [theme.theme_id for theme in again.registry.themes if theme.state == "candidate"]
    rejected = reject(store, candidate, **WHO)
    assert candidate not in rejected.theme_ids
    assert len(rejected.centroids) == len(rejected.topics) == len(first.topics)
    assert rejected.topic_model_id != again.topic_model_id
    later = fitted(texts, rejected, dated=rows)
    assert "candidate" not in {theme.state for theme in later.registry.themes}


def test_what_was_always_there_is_no_candidate(first: ThemeModel) -> None:
    rows, _ = dated(0)
    assert find_groups(rows, first.centroids) == []
    steady = Dated(rows.texts, rows.vectors, rows.occurred, rows.row_ids)
    without = first.centroids[1:]
    # A subject no centroid stands for, but as frequent before as now: unexplained, not new.
    assert find_groups(steady, without) == []


def test_history_is_told_in_sentences_and_as_a_table(store: ModelStore, first: ThemeModel) -> None:
    theme_id = first.theme_ids[0]
    old = first.registry.theme(theme_id).name
    model = rename(store, theme_id, "Charges nobody announced", **WHO)
    told = history(model.registry, theme_id)
    assert [row["sentence"] for row in told] == [
        "“Charges nobody announced” appeared.",
        f"“{old}” is now called “Charges nobody announced”, decided by E001.",
    ]
    table = event_table(model.registry)
    assert table.schema == THEME_EVENT
    assert table.num_rows == len(model.registry.events) == len(set(table.column("event_id").to_pylist()))
    # A later export of the same history has the same rows.
    later = event_table(active(store).registry)
    assert later.column("event_id").to_pylist() == table.column("event_id").to_pylist()
