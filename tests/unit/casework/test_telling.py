"""Words to the customer and to colleagues: once, in the programme's words, and noted in the case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from cases import outbox, outbox_reading, services
from casework import assignment, delivery, moves, outreach, telling
from casework.engine import Engine
from models.case import Actor, EventKind, IllegalMove, State
from models.template import MissingField
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
ANN, BOB = Actor("person", "E-ann"), Actor("person", "E-bob")
SAID = {"you_said": "the fee was wrong", "we_did": "we paid it back"}


def test_a_closure_message_that_left_informs_the_customer_and_closes_the_loop(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    moves.act(engine, case_id, EventKind.RESOLVED, {}, actor=ANN)
    moves.act(engine, case_id, EventKind.CLOSED, {"outcome_code": "in_favour", "comment": "done"}, actor=ANN)
    telling.tell_customer(engine, case_id, "closure", SAID, actor=ANN, key="1")
    assert services.state_of(case_id).customer_informed_at is None
    delivery.send_due(engine)
    assert services.state_of(case_id).state is State.LOOP_CLOSED
    said = [event["kind"] for event in services.explain(case_id)["events"]]
    assert said[-4:] == ["message_queued", "message_sent", "customer_informed", "loop_closed"]


def test_the_same_call_twice_is_one_message(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    for _ in range(2):
        telling.tell_customer(engine, case_id, "closure", SAID, actor=ANN, key="1")
    assert [line.template for line in outbox_reading.lines(None, 50)].count("closure") == 1


def test_nothing_is_sent_half_filled(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    with pytest.raises(MissingField, match="we_did"):
        telling.tell_customer(engine, case_id, "closure", {"you_said": "x"}, actor=ANN, key="1")
    assert "message_queued" not in [event["kind"] for event in services.explain(case_id)["events"]]


def test_words_for_colleagues_do_not_go_to_customers(at: At) -> None:
    engine = at(MONDAY)
    with pytest.raises(IllegalMove, match="colleagues"):
        telling.tell_customer(engine, open_case(engine, "t1"), "assigned", {}, actor=ANN, key="1")


def test_whoever_had_a_part_in_a_case_hears_how_it_ended_but_not_from_themselves(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    for owner in ("E-bob", "E-ann"):
        assignment.assign_by_hand(engine, case_id, owner, reason="asked", actor=BOB, expected_version=None)
    moves.act(engine, case_id, EventKind.RESOLVED, {}, actor=ANN)
    moves.act(engine, case_id, EventKind.CLOSED, {"outcome_code": "in_favour", "comment": "done"}, actor=ANN)
    told = [line.recipient_id for line in outbox_reading.lines(None, 50) if line.template == "outcome_told"]
    assert told == ["E-bob"]


def test_an_incident_reaches_everybody_once_but_those_who_are_in_a_case(at: At) -> None:
    engine = at(MONDAY)
    open_case(engine, "t1")
    words = {"what_happened": "Payments were late.", "we_did": "They have all gone out."}
    first = outreach.tell_everybody(engine, "outage-1", ["C-t1", "CU1", "CU2", "CU1"], words)
    assert (first.asked, first.in_a_case, first.queued) == (3, 1, 2)
    again = outreach.tell_everybody(engine, "outage-1", ["CU1", "CU2", "CU3"], words)
    assert (again.known, again.queued) == (2, 1)
    assert not outbox.queue([], engine.recorded_at)
