"""Waiting cases find present people, with reasons; people who are away give them back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cases import outbox_reading, people, services
from casework import assignment, moves, skills
from casework.engine import Engine
from models.case import Actor, EventKind, IllegalMove, State
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
BOSS = Actor("person", "E-lead")


def away(engine: Engine, who: str, days: float, key: str = "a1") -> None:
    people.record_absence(
        key, who, engine.at - timedelta(hours=1), engine.at + timedelta(days=days), recorded_at=engine.at, by="hr"
    )


def test_a_waiting_case_gets_a_present_owner_with_reasons_and_a_word_to_the_owner(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1", region="north")
    report = assignment.run(engine)
    assert (report.assigned, report.unassigned) == (1, {})
    state = services.state_of(case_id)
    assert (state.state, state.owner_id) == (State.ASSIGNED, "E-bob")
    event = services.explain(case_id)["events"][-1]
    assert event["kind"] == EventKind.ASSIGNED
    assert any("works in north" in reason for reason in event["payload"]["reasons"])
    words = [line for line in outbox_reading.lines(None, 10) if line.template == "assigned"]
    assert [line.recipient_id for line in words] == ["E-bob"]


def test_nothing_goes_to_somebody_who_is_away(at: At) -> None:
    away(at(MONDAY), "E-bob", 0.2)
    engine = at(MONDAY)
    ids = [open_case(engine, f"t{i}", region="north") for i in range(3)]
    assignment.run(engine)
    assert {services.state_of(case_id).owner_id for case_id in ids} == {"E-ann"}


def test_a_long_absence_gives_open_cases_back_and_a_short_one_does_not(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1", region="north")
    assignment.run(engine)
    later = MONDAY + timedelta(hours=2)
    away(at(later), "E-bob", 0.5, "short")
    assert assignment.run(at(later)).released == 0
    away(at(later), "E-bob", 5, "long")
    report = assignment.run(at(later + timedelta(minutes=5)))
    assert (report.released, report.assigned) == (1, 1)
    state = services.state_of(case_id)
    assert (state.owner_id, state.previous_owner_id) == ("E-ann", "E-bob")


def test_history_is_given_to_people_without_calling_them_to_it(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1", is_historic=True)
    assignment.run(engine)
    assert services.state_of(case_id).owner_id is not None
    assert outbox_reading.lines(None, 10) == []


def test_a_team_without_room_says_so_and_the_case_waits(at: At) -> None:
    engine = at(MONDAY)
    for i in range(15):
        open_case(engine, f"t{i}", severity=2)
    report = assignment.run(engine)
    # Twenty units of capacity, two a case.
    assert report.assigned == 10
    assert len(report.unassigned) == 5
    assert all("full" in why for why in report.unassigned.values())
    assert report.shadow_price["service-desk"] > 0


def test_nobody_can_be_given_a_case_while_away(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    away(engine, "E-ann", 3)
    with pytest.raises(IllegalMove, match="away"):
        assignment.assign_by_hand(at(MONDAY), case_id, "E-ann", reason="asked", actor=BOSS, expected_version=None)


def test_a_second_round_changes_nothing(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    assignment.run(engine)
    version = services.state_of(case_id).version
    report = assignment.run(at(MONDAY))
    assert (report.assigned, report.released) == (0, 0)
    assert services.state_of(case_id).version == version


def test_a_case_that_has_failed_binds_nobody_and_leaves_room_for_those_that_have_not(at: At) -> None:
    old = [open_case(at(MONDAY), f"old{i}", severity=2) for i in range(15)]
    later = at(MONDAY + timedelta(days=31))
    fresh = open_case(later, "fresh", severity=3)
    report = assignment.run(later)
    assert (report.expired, report.assigned, report.unassigned) == (15, 1, {})
    assert services.state_of(fresh).owner_id is not None
    assert {services.state_of(case_id).state for case_id in old} == {State.EXPIRED}


def ended(engine: Engine, owner: str, name: str, outcome: str) -> None:
    case_id = open_case(engine, name, cause="fee_dispute")
    someone = Actor("person", owner)
    assignment.assign_by_hand(engine, case_id, owner, reason="asked", actor=BOSS, expected_version=None)
    moves.act(engine, case_id, EventKind.RESOLVED, {}, actor=someone)
    moves.act(engine, case_id, EventKind.CLOSED, {"outcome_code": outcome, "comment": "done"}, actor=someone)


def test_who_has_shown_to_be_better_at_a_cause_gets_its_next_case_and_is_told_why(at: At) -> None:
    engine = at(MONDAY)
    for i in range(12):
        ended(engine, "E-ann", f"a{i}", "in_favour")
        ended(engine, "E-bob", f"b{i}", "rejected")
    assert skills.proven(at(MONDAY)) == {"E-ann": frozenset({"fee_dispute"})}
    # Bob works where the customer is; Ann is proven.
    case_id = open_case(engine, "next", cause="fee_dispute", region="north")
    assignment.run(at(MONDAY))
    assert services.state_of(case_id).owner_id == "E-ann"
    reasons = services.explain(case_id)["events"][-1]["payload"]["reasons"]
    assert any("beyond chance" in reason for reason in reasons)


def test_a_lucky_streak_proves_nothing(at: At) -> None:
    engine = at(MONDAY)
    ended(engine, "E-ann", "a1", "in_favour")
    ended(engine, "E-bob", "b1", "rejected")
    assert skills.proven(at(MONDAY)) == {}
