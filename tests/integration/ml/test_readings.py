"""What a classification says of every text besides its cause, and what it keeps from the one before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from ml.root_cause.bench import Workbench
from ml.root_cause.predict import classify
from models.programme import Programme
from tests.integration.ml.conftest import signals
from tests.integration.ml.test_predict import changed


def test_evidence_names_places_in_the_text_and_the_words_of_the_rule(bench: Workbench, bank: Programme) -> None:
    table = signals(300)
    texts = table.column("text").to_pylist()
    texts[0] = "The overdraft fee was charged twice. My lawyer will call."
    found = classify(changed(table, text=texts), bank, bench).prediction.to_pylist()
    own = json.loads(found[0]["evidence"])
    assert [texts[0][begin:end] for begin, end in own["severity"]] == ["lawyer"]
    assert all(
        0 <= begin < end <= len(texts[row])
        for row, prediction in enumerate(found)
        for places in json.loads(prediction["evidence"] or "{}").values()
        for begin, end in places
    )


def test_a_changed_score_is_read_again_without_scoring_the_cause_again(bench: Workbench, bank: Programme) -> None:
    table = signals(300)
    first = classify(table, bank, bench)
    rescored = changed(table, score_normalised=[0.1, *[None] * 299])
    second = classify(rescored, bank, bench, previous=first.tables)
    before, after = first.prediction.to_pylist(), second.prediction.to_pylist()
    assert second.scored == 0
    assert [row for row in range(300) if before[row]["reading_key"] != after[row]["reading_key"]] == [0]
    assert after[0]["evidence_key"] == before[0]["evidence_key"]


def test_reviewers_are_asked_about_the_audit_and_what_is_unsure_and_never_twice(
    bench: Workbench, bank: Programme
) -> None:
    table = signals(400)
    first = classify(table, bank, bench)
    asked = first.tables["ml_root_cause__review"].to_pylist()
    assert {"audit"} < {row["reason"] for row in asked}
    assert all((row["inclusion"] is not None) == (row["reason"] == "audit") for row in asked)
    answered = {row["signal_id"] for row in asked}
    second = classify(table, bank, bench, previous=first.tables, answered=answered)
    assert answered.isdisjoint(second.tables["ml_root_cause__review"].column("signal_id").to_pylist())


def test_texts_of_the_audit_never_train_and_are_judged_by_their_labels(bench: Workbench, bank: Programme) -> None:
    from models.label import in_audit

    table = signals(400)
    result = classify(table, bank, bench)
    held = set(result.training.held_out.ids)  # type: ignore[union-attr]
    kept = {row["signal_id"] for row in result.prediction.to_pylist() if in_audit(row["text_hash"], "cause")}
    assert kept
    assert held.isdisjoint(kept)


def test_weeks_after_the_first_eight_are_held_against_them(bench: Workbench, bank: Programme) -> None:
    spread = signals(1_600)
    at = replace(bench, at=datetime(2024, 3, 10, tzinfo=UTC))
    drift = classify(spread, bank, at).tables["ml_root_cause__drift"].to_pylist()
    weeks = {row["week"] for row in drift}
    assert len(weeks) == 1
    assert {row["measure"] for row in drift} >= {"cause_psi", "abstained_share", "energy_distance"}
    assert not any(row["is_drift"] for row in drift)
