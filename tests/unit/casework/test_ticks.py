"""Time alone: reminders once, the ladder until somebody acknowledges, expiry, the digest on working days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cases import outbox_reading, services
from casework import assignment, moves, ticks
from casework.engine import Engine
from models.case import Actor, EventKind, State
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]


def kinds(case_id: str) -> list[str]:
    return [event["kind"] for event in services.explain(case_id)["events"]]


def templates() -> list[str]:
    return sorted(line.template for line in outbox_reading.lines(None, 200))


def owned(at: At, name: str = "t1", **more: object) -> str:
    engine = at(MONDAY)
    case_id = open_case(engine, name, **more)
    assignment.run(engine)
    return case_id


def test_nothing_is_due_right_after_opening(at: At) -> None:
    owned(at)
    report = ticks.run(at(MONDAY + timedelta(minutes=5)))
    assert (report.reminders, report.escalations, report.expired) == (0, 0, 0)


def test_half_the_time_used_reminds_the_owner_once_however_often_the_clock_ticks(at: At) -> None:
    case_id = owned(at)
    # Severity 3, first action within 8.5 business hours: half is used after 4.25.
    moment = MONDAY + timedelta(hours=4, minutes=20)
    assert ticks.run(at(moment)).reminders == 1
    assert ticks.run(at(moment)).reminders == 0
    assert ticks.run(at(moment + timedelta(minutes=10))).reminders == 0
    assert kinds(case_id).count(EventKind.REMINDED) == 1
    assert templates().count("reminder") == 1


def test_an_outage_brings_one_word_per_promise_and_not_three(at: At) -> None:
    case_id = owned(at)
    ticks.run(at(MONDAY + timedelta(days=2)))
    said = [e["payload"] for e in services.explain(case_id)["events"] if e["kind"] == EventKind.REMINDED]
    assert sorted((p["metric"], p["share"]) for p in said) == sorted({(p["metric"], p["share"]) for p in said})
    assert [p["share"] for p in said if p["metric"] == "first_action"] == [1.0]


def test_a_case_nobody_acknowledges_climbs_and_one_that_is_acknowledged_stays(at: At) -> None:
    silent, answered = owned(at, "t1"), owned(at, "t2")
    moves.act(at(MONDAY + timedelta(hours=1)), answered, EventKind.ACKNOWLEDGED, {}, actor=Actor("person", "E-ann"))
    ticks.run(at(MONDAY + timedelta(days=3)))
    assert EventKind.ESCALATED in kinds(silent)
    assert EventKind.ESCALATED not in kinds(answered)
    first = next(e["payload"] for e in services.explain(silent)["events"] if e["kind"] == EventKind.ESCALATED)
    assert (first["level"], first["to"]) == (1, "E-lead")


def test_no_word_leaves_outside_the_teams_hours_but_for_the_gravest(at: At) -> None:
    engine = at(MONDAY)
    grave, mild = open_case(engine, "t1", severity=1), open_case(engine, "t2", severity=3)
    assignment.run(engine)
    night = MONDAY + timedelta(days=2, hours=12)
    ticks.run(at(night))
    due = {line.case_id: line.not_before for line in outbox_reading.lines(None, 200) if line.template == "escalation"}
    assert due[grave] == night
    assert due[mild] > night


def test_a_resolved_case_is_reminded_of_the_customer_only(at: At) -> None:
    case_id = owned(at)
    someone = Actor("person", "E-ann")
    moves.act(at(MONDAY + timedelta(hours=1)), case_id, EventKind.RESOLVED, {}, actor=someone)
    ticks.run(at(MONDAY + timedelta(days=20)))
    said = [e["payload"]["metric"] for e in services.explain(case_id)["events"] if e["kind"] == EventKind.REMINDED]
    assert set(said) == {"inform_customer"}
    assert EventKind.ESCALATED not in kinds(case_id)


def test_a_case_nobody_touched_for_thirty_days_expires_which_is_not_closing(at: At) -> None:
    case_id = owned(at)
    assert ticks.run(at(MONDAY + timedelta(days=31))).expired == 1
    assert services.state_of(case_id).state is State.EXPIRED


def test_praise_is_under_no_clock(at: At) -> None:
    case_id = owned(at, kind="excellence", severity=4)
    report = ticks.run(at(MONDAY + timedelta(days=40)))
    assert (report.cases, report.reminders, report.expired) == (0, 0, 0)
    assert EventKind.SLA_APPLIED not in kinds(case_id)


def test_the_digest_comes_once_on_a_working_day_and_never_on_a_sunday(at: At) -> None:
    owned(at)
    sunday = MONDAY + timedelta(days=6)
    assert ticks.run(at(sunday)).digests == 0
    monday = MONDAY + timedelta(days=7)
    assert ticks.run(at(monday)).digests == 1
    assert ticks.run(at(monday + timedelta(hours=1))).digests == 0


def test_history_reminds_nobody(at: At) -> None:
    owned(at, is_historic=True)
    report = ticks.run(at(MONDAY + timedelta(days=3)))
    assert (report.reminders, report.escalations, report.digests) == (0, 0, 0)
