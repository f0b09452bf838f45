"""Labels: answers in review are kept and never changed; what cases say is read from where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.db import DatabaseError, transaction

from cases import labels, questionnaires, services
from cases.models import Label as LabelRow
from models.case import Actor, EventKind
from models.label import Label
from models.settings import Settings
from tests.unit.cases.builders import ANNA, NOW, day, open_one, resolution, trigger


def give(value: str | None, by: str = "E-qia", at: float = 1, signal: str = "s1", **more: object) -> Label:
    return labels.give(
        signal, "cause", value, basis="review", labeller=by, at=day(at), recorded_at=NOW, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def move(case_id: str, kind: EventKind, at: float, *, actor: Actor = ANNA, **payload: object) -> None:
    seen = services.state_of(case_id).version
    services.act(
        case_id, kind, payload, actor=actor, expected_version=seen, occurred_at=day(at), recorded_at=NOW,
    )  # fmt: skip


def settle(case_id: str, *, actor: Actor = ANNA, **closing: object) -> None:
    """Resolve and close a case, on the second and third day."""
    move(case_id, EventKind.RESOLVED, 2)
    move(case_id, EventKind.CLOSED, 3, actor=actor, outcome_code="in_favour", comment="done", **closing)


def said(found: list[Label]) -> set[tuple[str, str, str | None, str]]:
    return {(label.signal_id, label.question, label.value, label.basis) for label in found}


def test_the_same_answer_twice_is_one_label(ledger: Settings) -> None:
    assert give("fee_dispute") == give("fee_dispute", at=2)
    assert len(labels.reviewed()) == 1


def test_who_thinks_again_supersedes_the_own_answer_and_nobody_elses(ledger: Settings) -> None:
    first, other = give("fee_dispute"), give("app_outage", by="E-mgr")
    second = give("loan_delay", at=2)
    assert second.supersedes == first.label_id
    assert {label.label_id for label in labels.standing(labels.reviewed())} == {second.label_id, other.label_id}
    back = give("fee_dispute", at=3)
    assert back.label_id not in {first.label_id, second.label_id} and len(labels.reviewed()) == 4


def test_an_answer_about_another_wording_is_another_answer(ledger: Settings) -> None:
    give("fee_dispute", text_hash="old")
    assert give("fee_dispute", text_hash="new").text_hash == "new"
    assert len(labels.reviewed()) == 2


def test_why_it_was_asked_is_kept_with_the_answer(ledger: Settings) -> None:
    asked = labels.Asked("audit", 0.02, "app_outage", 0.7, "m1")
    told = give(None, asked=asked)
    assert labels.reviewed() == [told]
    (kept,) = labels.reviewed()
    assert (kept.reason, kept.inclusion, kept.model_value, kept.value) == ("audit", 0.02, "app_outage", None)


def test_a_label_is_never_changed_or_removed(ledger: Settings) -> None:
    give("fee_dispute")
    for change in (LabelRow.objects.all().delete, lambda: LabelRow.objects.update(value="x")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert len(labels.reviewed()) == 1


def test_a_time_without_a_zone_is_refused(ledger: Settings) -> None:
    with pytest.raises(ValueError, match="time zone"):
        labels.give("s", "cause", "x", basis="review", labeller="a", at=day(1).replace(tzinfo=None), recorded_at=NOW)


def test_a_closing_that_names_a_cause_labels_the_signals_of_the_case(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0), trigger("b", 1)], recorded_at=NOW)
    case_id = services.case_of_trigger("a")
    assert services.case_of_trigger("b") == case_id
    settle(case_id, cause_id="app_outage")
    found = labels.of_cases()
    assert said(found) == {(f"signal-{name}", "cause", "app_outage", "closure") for name in "ab"}
    assert {label.labeller for label in found} == {ANNA.id} and {label.case_id for label in found} == {case_id}


def test_a_closing_without_a_cause_confirms_nothing(ledger: Settings) -> None:
    settle(open_one())
    assert labels.of_cases() == []


def test_only_people_label(ledger: Settings) -> None:
    settle(open_one(), actor=Actor("system", "amends"), cause_id="app_outage")
    assert labels.of_cases() == []


def test_what_a_source_resolved_is_no_label_of_ours(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0)], [resolution("r", 2, about="a")], recorded_at=NOW)
    assert labels.of_cases() == []


def test_a_surge_has_no_signal_to_label(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0, signal_id=None)], recorded_at=NOW)
    settle(services.case_of_trigger("a"), cause_id="app_outage")
    assert labels.of_cases() == []


def test_a_signal_that_came_after_the_closing_was_not_seen_by_who_closed(ledger: Settings) -> None:
    services.open_cases([trigger("a", 0)], recorded_at=NOW)
    settle(services.case_of_trigger("a"), cause_id="app_outage")
    services.open_cases([trigger("b", 4)], recorded_at=NOW)
    assert {label.signal_id for label in labels.of_cases()} == {"signal-a"}


def test_an_invalid_case_says_its_signals_are_not_valid(ledger: Settings) -> None:
    case_id = open_one()
    move(case_id, EventKind.INVALIDATED, 1, reason="a test")
    assert {(label.question, label.value, label.basis) for label in labels.of_cases()} == {
        ("is_valid", "no", "invalid")
    }


def test_the_owners_answer_labels_without_naming_the_owner(ledger: Settings) -> None:
    case_id = open_one()
    questionnaires.ask(case_id, "ann", asked_at=day(4), recorded_at=NOW, budget=1)
    questionnaires.answer(case_id, "ann", {"root": "loan_delay", "effort": 4}, at=day(5))
    assert labels.of_cases() == []
    (label,) = labels.of_cases(["root"])
    assert (label.value, label.basis, label.labeller, label.at) == ("loan_delay", "voice_of_employee", None, day(5))


def test_the_copy_for_the_warehouse_is_written_when_something_is_new_and_left_alone_otherwise(ledger: Settings) -> None:
    services.export(ledger)
    path = ledger.ledger_export / "label" / "labels.parquet"
    assert pq.read_table(path).num_rows == 0
    give("fee_dispute")
    first = services.export_labels(ledger)
    content = path.read_bytes()
    again = services.export_labels(ledger)
    assert (first.labels, first.is_new, again.is_new, again.digest) == (1, True, False, first.digest)
    assert path.read_bytes() == content and not list(path.parent.glob("*.tmp"))
    (row,) = pq.read_table(path).to_pylist()
    assert (row["signal_id"], row["value"], row["at"]) == ("s1", "fee_dispute", day(1))


def test_an_export_for_the_case_tables_does_not_empty_the_labels(ledger: Settings) -> None:
    give("fee_dispute")
    services.export_labels(ledger)
    services.export(ledger)
    assert pq.read_table(ledger.ledger_export / "label" / "labels.parquet").num_rows == 1


def test_the_copy_follows_the_ledger_it_is_made_from(new_ledger: Callable[[], Settings], tmp_path: Path) -> None:
    first = new_ledger()
    give("fee_dispute")
    services.export_labels(first, out_dir=tmp_path)
    second = new_ledger()
    assert services.export_labels(second, out_dir=tmp_path).labels == 0
