"""Twenty-five ways in which clocks of other systems have gone wrong, each as the test ours must pass.

The classes and where they were reported: docs/sla.md. Monday is 2 March 2026; the office opens 08:00 to 18:00 UTC.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.business_time import Calendar, always_open, business_seconds, scheduled_seconds
from models.case import CaseEvent, CaseKind, CaseState, EventKind, State
from models.clocks import RULES, SlaClock, crossings, what_if
from models.escalation import EscalationRules, Step, Surroundings, due_steps
from models.routing import Match
from models.staff import OrgChart, Position, Team, Teams
from tests.unit.models.sla_cases import HOUR, History, moment, policy, target, week

RESOLVE = policy(target("resolve", 20))
ALL = policy(*(target(metric, 20) for metric in RULES))
STAFF = OrgChart((Position("E1", "agent", "T1", date(2026, 1, 1), valid_to=date(2026, 3, 4)),))


def case_state(state: State = State.NEW, severity: int = 2) -> CaseState:
    return CaseState(state, CaseKind.RECOVERY, 3, moment(0, 9), severity, owner_id="E1", team="care")


def steps(state: CaseState, clocks: tuple[SlaClock, ...], day: float, hour: float) -> tuple[Step, ...]:
    teams = Teams(teams=(Team(code="care", title="Care", members=Match(), calendar="office"),))
    rules = EscalationRules.model_validate({"ladder": [{"level": 1, "to": "lead", "metric": "resolve", "share": 1.0}]})
    return due_steps("C-1", state, clocks, Surroundings(rules, teams, STAFF, RESOLVE, moment(day, hour)), ())


def by_metric(clocks: tuple[SlaClock, ...]) -> dict[str, SlaClock]:
    return {clock.metric: clock for clock in clocks}


def test_class_01_a_severity_raised_later_does_not_rewrite_what_was_promised() -> None:
    sla = policy(target("resolve", 20, severity=3), target("resolve", 2, severity=1))
    case = History(sla, severity=3)
    case.said(EventKind.SEVERITY_CHANGED, 1, 9, severity=1)
    case.severity = 1
    case.promised(1, 9, reason="severity_changed")
    first, second = case.at(1, 10)
    assert (first.severity, first.target_seconds, first.state) == (3, 20 * HOUR, "superseded")
    assert (second.severity, second.target_seconds, second.applied_at) == (1, 2 * HOUR, moment(1, 9))


def test_class_02_changing_the_target_keeps_the_pauses_so_far() -> None:
    case = History(RESOLVE).said(EventKind.WAITING_STARTED, 0, 10).said(EventKind.WAITING_ENDED, 0, 14)
    case.promised(0, 15, reason="severity_changed", sla=policy(target("resolve", 30)))
    clock = case.one(0, 16)
    assert (clock.started_at, clock.paused_seconds, clock.used_seconds) == (moment(0, 9), 4 * HOUR, 3 * HOUR)


def test_class_03_resolving_stops_every_clock_of_the_team() -> None:
    case = History(ALL).said(EventKind.RESOLVED, 0, 12)
    after = by_metric(case.at(9, 12))
    assert {metric for metric, clock in after.items() if clock.stopped_at == moment(0, 12)} == {
        "first_action", "update", "resolve"}  # fmt: skip
    # What the customer was promised ends when the customer knows, not when we are content.
    assert after["inform_customer"].is_live


@pytest.mark.parametrize("state", [State.EXPIRED, State.INVALID, State.MERGED])
def test_class_04_nobody_is_reminded_of_a_case_that_is_over(state: State) -> None:
    case = History(RESOLVE)
    assert steps(case_state(), case.at(2, 17), 2, 17) != ()
    assert steps(case_state(state), case.at(2, 17), 2, 17) == ()


def test_class_05_waiting_for_the_customer_stops_the_clock() -> None:
    case = History(RESOLVE).said(EventKind.WAITING_STARTED, 0, 10)
    clock = case.one(30)
    assert (clock.state, clock.used_seconds, clock.due_at) == ("paused", HOUR, None)
    case.said(EventKind.CUSTOMER_REPLIED, 30, 9)
    assert case.one(30, 11).used_seconds == 3 * HOUR


def test_class_06_time_settled_before_a_reopening_is_the_customers_and_not_the_teams() -> None:
    case = History(policy(target("resolve", 20), target("final_response", 40)))
    case.said(EventKind.RESOLVED, 0, 11).said(EventKind.CLOSED, 0, 12).said(EventKind.REOPENED, 2, 11, reason="again")
    case.promised(2, 11, reason="reopened")
    after = by_metric(case.at(2, 12))
    assert after["resolve"].used_seconds == 3 * HOUR
    assert after["final_response"].used_seconds == (9 + 10 + 4) * HOUR


@pytest.mark.parametrize(("mode", "started", "used"), [("continue", moment(0, 9), 3), ("restart", moment(2, 11), 1)])
def test_class_07_a_reopened_case_goes_on_or_starts_anew_as_the_policy_says(
    mode: str, started: datetime, used: int
) -> None:
    case = History(policy(target("resolve", 20, on_reopen=mode))).said(EventKind.RESOLVED, 0, 11)
    case.said(EventKind.REOPENED, 2, 11, reason="again").promised(2, 11, reason="reopened")
    clock = case.one(2, 12)
    assert (clock.started_at, clock.used_seconds) == (started, used * HOUR)
    assert clock.due_at is not None and clock.due_at > moment(2, 12)


def test_class_08_reminders_wait_for_working_hours_unless_the_case_is_of_the_gravest_kind() -> None:
    case = History(policy(target("resolve", 12, clock="wall", calendar=None)), hour=10)
    (at_night,) = (step for step in steps(case_state(), case.at(0, 23), 0, 23) if step.kind == "reminder")
    assert at_night.not_before == moment(1, 8)
    (grave,) = (s for s in steps(case_state(severity=1), case.at(0, 23), 0, 23) if s.kind == "reminder")
    assert grave.not_before == moment(0, 23)


@given(st.integers(0, 10**8), st.integers(0, 10**7))
def test_class_09_a_calendar_open_all_day_loses_no_minute_at_midnight(since: int, length: int) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=since)
    assert business_seconds(always_open(zone="Europe/Berlin"), start, start + timedelta(seconds=length)) == length


def test_class_10_a_step_an_hour_before_the_end_falls_inside_the_calendar() -> None:
    case = History(policy(target("resolve", 4)), hour=17)
    assert crossings(case.one(0, 17), (0.75, 1.0), RESOLVE) == ((0.75, moment(1, 10)), (1.0, moment(1, 11)))


def test_class_11_a_lunch_break_is_not_working_time() -> None:
    case = History(policy(target("resolve", 6, calendar="shop")))
    # The shop is open 09:00 to 12:30 and 13:15 to 17:00.
    assert case.one(0, 13).used_seconds == 3.5 * HOUR
    assert case.one(0, 13).due_at == moment(0, 15.75)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Hong_Kong", date(1979, 5, 13), 23),
        ("Asia/Hong_Kong", date(1980, 5, 11), 24),
        ("America/Goose_Bay", date(2010, 11, 7), 25),
    ],
)
def test_class_12_a_day_is_as_long_as_its_zone_made_it(zone: str, day: date, hours: float) -> None:
    calendar = Calendar(code="all", zone=zone, weekly=week((0, 24), days=7))
    start, end = (datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)) for d in (day, day + timedelta(days=1)))
    assert business_seconds(calendar, start.astimezone(UTC), end.astimezone(UTC)) == hours * HOUR


def test_class_13_a_holiday_at_the_edge_of_a_week_gives_neither_a_second_row_nor_time() -> None:
    auckland = Calendar(
        code="far", zone="Pacific/Auckland", weekly=week((9, 17)), holidays=frozenset({date(2026, 3, 9)})
    )
    sla = policy(target("resolve", 20, calendar="far"), calendars=(auckland,))
    case = History(sla, day=3, hour=20)  # Friday 09:00 in Auckland; the holiday there begins on UTC's Sunday.
    case.said(EventKind.RESOLVED, 7, 21)
    (clock,) = case.at(10)
    assert clock.used_seconds == (8 + 1) * HOUR


def test_class_14_two_policies_on_one_case_keep_their_metrics_apart() -> None:
    case = History(policy(target("resolve", 20), target("first_action", 4)))
    other = policy(target("resolve", 10), version="v2")
    case.promised(1, 9, reason="severity_changed", sla=other)
    clocks = case.at(1, 10)
    keys = [(clock.metric, clock.applied_at, clock.policy_version) for clock in clocks]
    assert len(set(keys)) == len(keys) == 3
    assert [clock.policy_version for clock in clocks if clock.metric == "resolve"] == ["v1", "v2"]
    assert [clock.state for clock in clocks if clock.metric == "first_action"] == ["breached"]


def test_class_15_a_case_opened_and_solved_at_night_is_there_with_no_business_time() -> None:
    case = History(RESOLVE, hour=20).said(EventKind.RESOLVED, 0, 23)
    clock = case.one(1)
    assert (clock.state, clock.used_seconds, clock.stopped_at) == ("met", 0, moment(0, 23))


def test_class_16_an_answer_outside_hours_counts_as_an_answer() -> None:
    case = History(policy(target("first_action", 4))).said(EventKind.CONTACTED, 0, 23)
    clock = case.one(3)
    assert (clock.state, clock.stopped_at) == ("breached", moment(0, 23))
    early = History(policy(target("first_action", 4)), hour=16).said(EventKind.CONTACTED, 0, 23)
    assert early.one(3).state == "met"


def test_class_17_new_opening_hours_leave_the_past_alone_and_a_what_if_may_ask_anyway() -> None:
    office = Calendar(code="office", zone="UTC", weekly=week((8, 18)))
    shorter = office.model_copy(update={"weekly": week((8, 10)), "effective_from": date(2026, 3, 9)})
    before, after = (
        policy(target("resolve", 20), calendars=(office,)),
        policy(target("resolve", 20), calendars=(office, shorter)),
    )
    case = History(before).said(EventKind.RESOLVED, 1, 12)
    assert case.at(20, sla=after) == case.at(20, sla=before)
    always_short = policy(target("resolve", 20), calendars=(shorter.model_copy(update={"effective_from": None}),))
    (asked,) = what_if(case.events, always_short, moment(20))
    assert asked.used_seconds == 3 * HOUR


def test_class_18_both_ways_to_count_over_two_schedules_have_a_name() -> None:
    first = Calendar(code="desk", zone="UTC", weekly=week((7, 19.5)))
    second = Calendar(code="desk", zone="UTC", weekly=week((9, 17)), effective_from=date(2026, 3, 3))
    span = (moment(0, 6), moment(1, 12, second=29 * 60 + 28))
    counted = {mode: scheduled_seconds((first, second), *span, mode) for mode in ("cumulative", "last")}
    # The figures of one and the same ticket in the package's decision log: all schedules, and the last one only.
    assert {mode: int(seconds / 60 * 100) / 100 for mode, seconds in counted.items()} == {
        "cumulative": 959.46, "last": 689.46}  # fmt: skip


def test_class_19_every_metric_starts_and_stops_by_its_own_row_of_one_table() -> None:
    case = History(ALL).said(EventKind.NOTE_ADDED, 0, 9.5, note="seen").said(EventKind.ASSIGNED, 0, 9.75, owner_id="E1")
    assert all(clock.is_live for clock in case.at(0, 10))
    case.said(EventKind.CONTACTED, 0, 10)
    after = by_metric(case.at(0, 11))
    assert {metric for metric, clock in after.items() if clock.is_live} == {
        "resolve",
        "inform_customer",
        "final_response",
    }
    # We spoke last, so no update is owed; once the customer speaks one is, and the first action stays what it was.
    assert [(clock.state, clock.stopped_at) for clock in case.at(3) if clock.metric == "update"] == [
        ("met", moment(0, 10))
    ]
    case.said(EventKind.CUSTOMER_REPLIED, 3, 9)
    again = case.one(3, 10)
    assert (again.metric, again.started_at, again.is_live) == ("update", moment(3, 9), True)
    assert by_metric(case.at(3, 10))["first_action"] == after["first_action"]


def test_class_20_a_word_by_automation_is_no_first_action() -> None:
    case = History(policy(target("first_action", 4))).said(EventKind.CONTACTED, 0, 9.1, by="system")
    assert case.one(0, 10).is_live
    assert case.said(EventKind.CONTACTED, 0, 10, by="person").one(0, 11).stopped_at == moment(0, 10)


@pytest.mark.parametrize(("second", "state"), [(-1, "met"), (0, "met"), (1, "breached")])
def test_class_21_one_second_decides_and_nothing_is_rounded(second: int, state: str) -> None:
    case = History(policy(target("resolve", 1.01)))
    case.events.append(CaseEvent(EventKind.RESOLVED, moment(0, 9, 3636 + second), {}, 3, actor_type="person"))
    assert (case.one(5).state, case.one(5).used_seconds) == (state, 3636 + second)


@pytest.mark.parametrize("kind", [EventKind.MERGED, EventKind.INVALIDATED])
def test_class_22_a_merged_or_void_case_leaves_every_clock(kind: EventKind) -> None:
    case = History(ALL).said(kind, 0, 12, into="C-2", reason="twice")
    assert {clock.state for clock in case.at(30)} == {"cancelled"}
    assert all(clock.breach_seconds == 0 and clock.breached_at is None for clock in case.at(30))


def test_class_23_how_late_it_was_is_frozen_when_the_clock_stops() -> None:
    case = History(RESOLVE).said(EventKind.RESOLVED, 2, 13)
    assert [case.one(day).breach_seconds for day in (3, 30, 300)] == [4 * HOUR] * 3


def test_class_24_who_answered_is_asked_as_of_the_answer() -> None:
    case = History(policy(target("first_action", 4))).said(EventKind.CONTACTED, 0, 10)
    answered = case.one(1).stopped_at
    assert answered is not None
    # E1 has left since; the role of the answer is the one of its day, and the clock does not start again.
    assert STAFF.position("E1", moment(20)) is None
    held = STAFF.position("E1", answered)
    assert held is not None and held.role == "agent"
    assert case.one(20) == case.one(1)


def test_class_25_what_a_clock_says_does_not_depend_on_when_anybody_looked() -> None:
    case = History(RESOLVE)
    polled = [case.one(day).due_at for day in (0.5, 1, 1.7)]
    case.said(EventKind.RESOLVED, 2, 8.5)
    late_news = replace(case.events[-1], recorded_at=moment(40))
    case.events[-1] = late_news
    assert polled == [moment(2, 9)] * 3
    assert (case.one(40).state, case.one(1).state) == ("met", "running")
