"""Review as people work it: one person at a time, blind, on redacted words, and what was asked is kept with the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from casework import moves, review
from models.access import Reach
from models.case import Actor, EventKind, IllegalMove
from models.label import labellers_wanted
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

if TYPE_CHECKING:
    from casework.engine import Engine

At = Callable[[datetime], "Engine"]
ONE = next(f"s{n}" for n in range(99) if labellers_wanted(f"s{n}", "cause") == 1)
TWO = next(f"s{n}" for n in range(99) if labellers_wanted(f"s{n}", "cause") == 2)
BARE = "s-without-text"


@pytest.fixture
def engine(at: At) -> Engine:
    """An engine with a queue of two signals and the evidence behind them."""
    working = at(MONDAY)
    put_queue(working, [(ONE, "audit", 1.0, 0.05), (TWO, "unsure", 0.5, None), (BARE, "diverse", 0.2, None)])
    rows = [
        {"signal_id": name, "text": text, "text_hash": f"h-{name}", "occurred_at": MONDAY, "region": region,
         "branch_id": branch}
        for name, text, region, branch in (
            (ONE, "the fee came [NAME] said", "south", None), (TWO, "app is down", "north", "B9"), (BARE, None, None, None)
        )
    ]  # fmt: skip
    working.settings.handoff.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), working.settings.handoff / review.EVIDENCE)
    return working


def put_queue(engine: Engine, rows: list[tuple[str, str, float, float | None]]) -> None:
    engine.settings.ml_outputs.mkdir(parents=True, exist_ok=True)
    table = [
        {"review_id": f"r-{name}", "signal_id": name, "question": "cause", "reason": reason, "priority": priority,
         "inclusion": inclusion, "model_value": "fee_dispute", "model_confidence": 0.6, "model_id": "m1"}
        for name, reason, priority, inclusion in rows
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(table), engine.settings.ml_outputs / review.QUEUE)


def label(engine: Engine, signal: str, value: str | None, who: str = "E-q", **more: Any) -> review.Told:
    return review.label(engine, signal, "cause", value, who=who, **more)


def waits(engine: Engine, who: str = "E-q", **more: Any) -> list[str]:
    return [item.signal_id for item in review.waiting(engine, who, **more)]


def test_there_is_nothing_to_do_before_the_first_queue_was_made(at: At) -> None:
    assert waits(at(MONDAY)) == []


def test_what_waits_is_shown_with_its_redacted_words_and_without_the_models_opinion(engine: Engine) -> None:
    first, second = review.waiting(engine, "E-q")
    assert (first.signal_id, second.signal_id) == (ONE, TWO), "by priority, and none without words to read"
    assert first.words["text"] == "the fee came [NAME] said"
    assert "fee_dispute" not in repr(first) and "m1" not in repr(first)


def test_an_item_leaves_for_who_answered_and_for_all_once_enough_did(engine: Engine) -> None:
    label(engine, ONE, "fee_dispute")
    label(engine, TWO, "app_outage")
    assert waits(engine) == [] and waits(engine, "E-r") == [TWO]
    label(engine, TWO, "fee_dispute", "E-r")
    assert waits(engine, "E-s") == []


def test_who_cannot_say_is_not_asked_again_and_somebody_else_is(engine: Engine) -> None:
    label(engine, ONE, None)
    assert ONE not in waits(engine) and ONE in waits(engine, "E-r")


def test_the_answer_keeps_why_it_was_asked_and_tells_what_the_model_thought(engine: Engine) -> None:
    told = label(engine, ONE, "app_outage")
    assert (told.model_value, told.model_agrees) == ("fee_dispute", False)
    kept = told.label
    assert (kept.reason, kept.inclusion, kept.model_id, kept.text_hash) == ("audit", 0.05, "m1", f"h-{ONE}")
    assert (kept.basis, kept.version, kept.at) == ("review", engine.version, MONDAY)


def test_an_answer_nobody_asked_for_is_kept_and_counts_for_no_audit(engine: Engine) -> None:
    put_queue(engine, [])
    told = label(engine, ONE, "fee_dispute", is_quality_review=True)
    assert (told.label.reason, told.label.inclusion, told.model_agrees) == (None, None, None)
    assert told.label.basis == "qa_review"


@pytest.mark.parametrize("value", ["no_such_cause", "fee_dispute "])
def test_a_cause_the_programme_does_not_have_is_refused(engine: Engine, value: str) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        label(engine, ONE, value)
    assert review.stats(engine)["answers"] == {}


@pytest.mark.parametrize("signal", ["nowhere", BARE])
def test_there_is_nothing_to_say_about_a_signal_without_words(engine: Engine, signal: str) -> None:
    with pytest.raises(review.UnknownSignal):
        label(engine, signal, "fee_dispute")


def test_who_answers_for_a_region_or_a_branch_sees_and_labels_what_came_from_there(engine: Engine) -> None:
    south, branch = [Reach(regions=frozenset({"south"}))], [Reach(branches=frozenset({"B9"}))]
    assert (waits(engine, reach=south), waits(engine, reach=branch), waits(engine, reach=[])) == ([ONE], [TWO], [])
    with pytest.raises(review.UnknownSignal):
        label(engine, TWO, "app_outage", reach=south)


def test_the_figures_say_what_waits_and_what_was_said(engine: Engine) -> None:
    label(engine, TWO, "app_outage")
    label(engine, TWO, "fee_dispute", "E-r")
    label(engine, ONE, None)
    found = review.stats(engine)
    assert found["answers"] == {"cause: review": 3}
    assert (found["people"], found["could_not_say"], found["answered_twice"], found["audit_answers"]) == (2, 1, 1, 0)
    assert found["waiting"] == {"cause: audit": 1, "cause: diverse": 1}


def test_a_closing_names_a_cause_of_the_programme_or_none(engine: Engine) -> None:
    case_id = open_case(engine, "a")
    ann = Actor("person", "E-ann")
    moves.act(engine, case_id, EventKind.RESOLVED, {}, actor=ann)
    with pytest.raises(IllegalMove, match="no such cause"):
        moves.act(
            engine, case_id, EventKind.CLOSED, {"outcome_code": "x", "comment": "c", "cause_id": "odd"}, actor=ann
        )
    moves.act(engine, case_id, EventKind.CLOSED,
              {"outcome_code": "x", "comment": "c", "cause_id": "app_outage"}, actor=ann)  # fmt: skip
    written = review.write_labels(engine)
    (row,) = pq.read_table(engine.settings.ledger_export / "label").to_pylist()
    assert (row["value"], row["basis"], row["signal_id"]) == ("app_outage", "closure", "signal-a")
    assert written.is_new and not review.write_labels(engine).is_new
    assert row["at"].astimezone(UTC) == MONDAY
