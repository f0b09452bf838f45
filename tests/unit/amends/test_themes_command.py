"""`amends themes`: what there is, what happened, and what people decide, on a real model store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from amends.cli import app
from ml.root_cause.registry import Refit, ThemeRegistry, registered
from ml.root_cause.theme_review import TOPICS, keep_fit
from ml.root_cause.themes import ThemeChange, ThemeModel
from ml.root_cause.topics import Topic, TopicParams
from ml.store import ModelStore
from ml.text.embed import DIMENSIONS, as_unit
from models.settings import load_settings

CENTROIDS = as_unit(np.random.default_rng(0).normal(size=(4, DIMENSIONS)))
TOPICS_OF_FIT = [
    Topic(n, name, (name.lower(),), 40 - n, (name.lower(),)) for n, name in enumerate(["Fees", "Cards", "Meters"])
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path))
    return tmp_path


def store() -> ModelStore:
    return ModelStore(load_settings().model_store)


@pytest.fixture
def ids() -> tuple[str, ...]:
    """Theme ids of a model in force with two themes and a candidate."""
    at = "2026-01-05T08:00:00+00:00"
    refit = Refit(
        TOPICS_OF_FIT, CENTROIDS[:3], "topics-1", at=at, candidates=frozenset({2}), examples={2: ("s-1", "s-2")}
    )
    registry, theme_ids = registered(ThemeRegistry(), refit)
    keep_fit(
        store(),
        ThemeModel("topics-1", tuple(TOPICS_OF_FIT), theme_ids, CENTROIDS[:3], registry, "topics-1"),
        TopicParams(),
        at,
    )
    return theme_ids


@pytest.fixture
def waiting(ids: tuple[str, ...]) -> tuple[str, ...]:
    """A pending fit in which Cards became something else."""
    from ml.root_cause.themes import load_theme_model

    stored = store().active(TOPICS)
    assert stored is not None
    before = load_theme_model(stored)
    topics = (TOPICS_OF_FIT[0], Topic(1, "Branches", ("queue",), 30, ("queue",)))
    centroids = CENTROIDS[[0, 3]]
    registry, theme_ids = registered(
        before.registry, Refit(topics, centroids, "topics-2", at="2026-02-05T08:00:00+00:00")
    )
    change = ThemeChange(texts=100, moved=0.5, born=1, gone=1, before=2)
    model = ThemeModel("topics-2", topics, theme_ids, centroids, registry, "topics-2", change)
    assert not keep_fit(store(), model, TopicParams(), "2026-02-05T08:00:00+00:00")
    return theme_ids


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["themes", *words])


def document(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_without_themes_one_is_told_what_to_do() -> None:
    result = run("list")
    assert result.exit_code == 1
    assert "amends run" in result.output
    assert document("pending") == {"ok": True, "pending": None}
    assert run("approve").exit_code == 1


def test_themes_are_listed_largest_first_and_candidates_last(ids: tuple[str, ...]) -> None:
    rows = document("list")["themes"]
    assert [(row["name"], row["state"], row["sample_texts"]) for row in rows] == [
        ("Fees", "active", 40), ("Cards", "active", 39), ("Meters", "candidate", 38),
    ]  # fmt: skip
    assert rows[2]["examples"] == ["s-1", "s-2"]
    assert ids[0] in run("list").output


def test_a_decision_is_in_the_history_with_the_person(ids: tuple[str, ...]) -> None:
    assert document("rename", ids[0], "Charges nobody announced", "--by", "E001")["name"] == "Charges nobody announced"
    document("confirm", ids[2], "--by", "E001")
    document("merge", ids[1], ids[0], "--by", "E002")
    told = [row["sentence"] for row in document("history")["events"] if row["by"]]
    assert told == [
        "“Fees” is now called “Charges nobody announced”, decided by E001.",
        "“Meters” was confirmed, decided by E001.",
        "“Cards” became part of “Charges nobody announced”, decided by E002.",
    ]
    assert "2026-01-05 08:00" in run("history").output
    assert document("show", ids[1])["merged_into"] == ids[0]
    assert [row["theme_id"] for row in document("list")["themes"]] == [ids[0], ids[2]]


def test_what_cannot_be_done_is_refused_in_a_sentence(ids: tuple[str, ...]) -> None:
    for words in (
        ("rename", ids[0], "Cards"),
        ("confirm", ids[0]),
        ("reject", ids[0]),
        ("merge", ids[0], ids[0]),
        ("show", "T-ffffffff"),
    ):
        result = run(*words)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert result.output.startswith("amends:")


def test_a_pending_change_is_shown_and_approved(waiting: tuple[str, ...]) -> None:
    found = document("pending")["pending"]
    assert (found["topic_model_id"], found["moved"], found["born"], found["gone"]) == ("topics-2", 0.5, 1, 1)
    assert "50% of texts" in run("pending").output
    assert document("list")["topic_model_id"] == "topics-1"
    assert document("approve", "--by", "E001")["topic_model_id"] == "topics-2"
    assert document("list")["topic_model_id"] == "topics-2"
    assert document("pending")["pending"] is None
    assert {row["by"] for row in document("history")["events"] if row["kind"] == "approved"} == {"E001"}
    assert len(waiting) == 2


def test_a_pending_change_is_given_up(waiting: tuple[str, ...]) -> None:
    assert document("reject")["given_up"] == "topics-2"
    assert document("list")["topic_model_id"] == "topics-1"
    assert document("pending")["pending"] is None
    assert len(waiting) == 2


def test_a_candidate_that_is_no_theme_is_gone(ids: tuple[str, ...]) -> None:
    document("reject", ids[2])
    assert ids[2] not in [row["theme_id"] for row in document("list")["themes"]]
    assert ids[2] in [row["theme_id"] for row in document("list", "--all")["themes"]]
