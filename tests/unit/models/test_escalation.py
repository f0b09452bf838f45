"""Reminders, the ladder, expiry and the digest: once, to somebody who is there, at an hour they work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.business_time import WEEKDAYS, Calendar, Interval
from models.case import CaseEvent, CaseState, EventKind, fold
from models.clocks import clocks, sla_payload
from models.escalation import (
    EscalationRules,
    Recipient,
    Step,
    Surroundings,
    digest_key,
    due_steps,
    is_expired,
    whom,
)
from models.sla import SlaPolicy, SlaTarget
from models.staff import Absence, OrgChart, Position, Role, Teams

ZONE = ZoneInfo("America/New_York")
# A Monday, nine o'clock in New York.
MONDAY = datetime(2026, 7, 6, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = 7 * 24
PEOPLE = ("agent", "other", "lead", "manager", "director")

OFFICE = Calendar(
    code="default", zone="America/New_York",
    weekly=tuple((day, (Interval(start=time(9), end=time(17)),)) for day in WEEKDAYS[:5]),
    holidays=frozenset({date(2026, 7, 8)}),
)  # fmt: skip
POLICY = SlaPolicy(
    targets=(
        SlaTarget(metric="first_action", seconds=8 * 3600, calendar="default"),
        SlaTarget(metric="resolve", seconds=24 * 3600, calendar="default"),
        SlaTarget(metric="inform_customer", seconds=40 * 3600, calendar="default"),
    ),
    calendars=(OFFICE,),
    version="v1",
)
AGENTS = {"all": [{"field": "role", "op": "is", "value": "agent"}]}
TEAMS = Teams.model_validate({"teams": [{"code": "desk", "title": "Desk", "members": AGENTS}]})
RULES = EscalationRules.model_validate(
    {
        "ladder": [
            {"level": 1, "to": "lead", "unacknowledged_hours": 8},
            {"level": 1, "to": "lead", "metric": "first_action", "share": 1.0},
            {"level": 2, "to": "manager", "metric": "resolve", "share": 1.0},
            {"level": 3, "to": "director", "metric": "resolve", "share": 2.0},
        ]
    }
)


def person(employee_id: str, role: Role, manager_id: str | None) -> Position:
    return Position(employee_id, role, "T0001", date(2026, 1, 1), manager_id=manager_id)


STAFF = (
    person("agent", "agent", "lead"), person("other", "agent", "lead"), person("lead", "team_lead", "manager"),
    person("manager", "manager", "director"), person("director", "director", None),
)  # fmt: skip
RANK: dict[str, int] = {"agent": 0, "other": 0, "lead": 1, "manager": 2, "director": 3}


def around(now: datetime, *absences: Absence, staff: tuple[Position, ...] = STAFF) -> Surroundings:
    return Surroundings(RULES, TEAMS, OrgChart(staff, absences), POLICY, now)


def away(*who: str) -> tuple[Absence, ...]:
    return tuple(Absence(name, MONDAY - 9 * WEEK * HOUR, MONDAY + 9 * WEEK * HOUR) for name in who)


def event(kind: EventKind, at: datetime, seq: int, **payload: Any) -> CaseEvent:
    return CaseEvent(kind, at, payload, seq, actor_type="person", actor_id="agent")


def history(
    *more: tuple[EventKind, datetime, dict[str, Any]], severity: int = 3, team: str | None = "desk"
) -> list[CaseEvent]:
    """A case opened on Monday morning, promised what the policy says, given to the agent; then whatever follows."""
    promised = sla_payload(POLICY, severity=severity, segment=None, at=MONDAY)
    rows: list[tuple[EventKind, datetime, dict[str, Any]]] = [
        (EventKind.OPENED, MONDAY, {"severity": severity, "case_kind": "recovery"}),
        (EventKind.SLA_APPLIED, MONDAY, promised or {}),
        (EventKind.ASSIGNED, MONDAY, {"owner_id": "agent", "team": team}),
        *more,
    ]
    return [event(kind, at, seq, **payload) for seq, (kind, at, payload) in enumerate(rows, start=1)]


def steps_at(events: list[CaseEvent], where: Surroundings, done: set[str] | None = None) -> tuple[Step, ...]:
    known = [e for e in events if e.occurred_at <= where.now]
    return due_steps("C1", fold(known), clocks(known, POLICY, where.now), where, done or set())


def ticked(events: list[CaseEvent], hours: list[int], *absences: Absence) -> list[tuple[datetime, Step]]:
    """What a poller does that runs at these hours after the opening and keeps the keys of what it did."""
    done: set[str] = set()
    took = []
    for hour in sorted(hours):
        for step in steps_at(events, around(MONDAY + hour * HOUR, *absences), done):
            done.add(step.key)
            took.append((MONDAY + hour * HOUR, step))
    return took


def is_open(at: datetime) -> bool:
    local = at.astimezone(ZONE)
    return local.weekday() < 5 and 9 <= local.hour < 17 and local.date() != date(2026, 7, 8)


ticks = st.lists(st.integers(0, 4 * WEEK), min_size=1, max_size=40)
somebody_away = st.lists(
    st.builds(
        lambda who, start, hours: Absence(who, MONDAY + start * HOUR, MONDAY + (start + hours) * HOUR),
        st.sampled_from(PEOPLE), st.integers(-WEEK, 3 * WEEK), st.integers(1, 2 * WEEK),
    ),
    max_size=6,
)  # fmt: skip
severities = st.integers(1, 4)


@settings(deadline=None)
@given(ticks, somebody_away, severities)
def test_no_step_is_taken_twice_whenever_the_poller_runs(
    hours: list[int], absences: list[Absence], severity: int
) -> None:
    took = [step for _, step in ticked(history(severity=severity), hours + hours, *absences)]
    assert len({step.key for step in took}) == len(took)
    for metric in ("first_action", "resolve", "inform_customer"):
        shares = [step.share for step in took if step.kind == "reminder" and step.metric == metric]
        # Rising, so a poller that comes late does not go back to what is no longer news.
        assert shares == sorted(set(shares), key=lambda share: share or 0)
    levels = [step.level for step in took if step.kind == "escalation"]
    assert len(levels) == len(set(levels))


@settings(deadline=None)
@given(ticks, somebody_away, severities)
def test_nobody_is_told_who_is_away_and_nothing_leaves_outside_hours_but_for_the_gravest(
    hours: list[int], absences: list[Absence], severity: int
) -> None:
    for now, step in ticked(history(severity=severity), hours, *absences):
        org = OrgChart(STAFF, tuple(absences))
        if step.recipient.type == "employee":
            assert org.is_present(step.recipient.id, now)
        else:
            assert step.recipient.id == "desk" and not org.is_present("director", now)
        assert step.not_before == now if severity == 1 else (step.not_before >= now and is_open(step.not_before))


@settings(deadline=None)
@given(ticks, somebody_away, st.integers(0, 3 * WEEK))
def test_the_ladder_stops_at_the_acknowledgement(hours: list[int], absences: list[Absence], after: int) -> None:
    seen = MONDAY + after * HOUR
    events = history((EventKind.ACKNOWLEDGED, seen, {}))
    took = ticked(events, hours, *absences)
    assert all(now < seen for now, step in took if step.kind == "escalation")


@settings(deadline=None)
@given(st.integers(0, 4 * WEEK), somebody_away)
def test_a_rung_is_climbed_upwards_only(hour: int, absences: list[Absence]) -> None:
    floor = {"lead": 1, "manager": 2, "director": 3}
    for step in steps_at(history(), around(MONDAY + hour * HOUR, *absences)):
        if step.kind == "escalation" and step.recipient.type == "employee":
            assert RANK[step.recipient.id] >= floor[step.to or ""]


@settings(deadline=None)
@given(st.integers(0, 4 * WEEK), ticks)
def test_a_poller_that_ran_once_at_the_end_says_the_last_of_what_a_busy_one_said(end: int, hours: list[int]) -> None:
    def last(took: list[tuple[datetime, Step]]) -> dict[str, float | None]:
        return {step.metric or "": step.share for _, step in took if step.kind == "reminder"}

    events = history()
    assert last(ticked(events, [end])) == last(ticked(events, [h for h in hours if h < end] + [end]))


def test_the_ladder_reaches_lead_manager_and_director_in_turn() -> None:
    took = ticked(history(), list(range(4 * WEEK)))
    climbed = [(step.level, step.recipient.id) for _, step in took if step.kind == "escalation"]
    assert climbed == [(1, "lead"), (2, "manager"), (3, "director")]
    reminded = [step.share for _, step in took if step.metric == "resolve" and step.kind == "reminder"]
    assert reminded == [0.5, 0.8, 1.0]
    # Eight working hours end with the day; the hour after it the poller sees it.
    first = next(now for now, step in took if step.level == 1)
    assert first == MONDAY + 8 * HOUR


def test_a_reopened_case_is_not_escalated_before_anybody_could_have_seen_it() -> None:
    """It used to count from the first opening: the lead was called at once for a case that came back after weeks."""
    back = MONDAY + 4 * WEEK * HOUR
    events = history(
        (EventKind.ACKNOWLEDGED, MONDAY + HOUR, {}),
        (EventKind.RESOLVED, MONDAY + 2 * HOUR, {}),
        (EventKind.REOPENED, back, {"reason": "customer wrote again"}),
    )

    def unseen(after: float) -> list[str]:
        found = steps_at(events, around(back + after * HOUR))
        return [step.reason for step in found if step.kind == "escalation" and step.metric is None]

    assert unseen(1) == []
    assert unseen(8) == ["nobody has acknowledged it for 8 working hours"]


def test_a_new_owner_has_the_full_time_but_handing_on_unseen_cases_does_not_buy_more() -> None:
    handed = MONDAY + 2 * WEEK * HOUR
    to_other = (EventKind.ASSIGNED, handed, {"owner_id": "other", "team": "desk"})
    seen = fold(history((EventKind.ACKNOWLEDGED, MONDAY + HOUR, {}), to_other))
    unseen = fold(history(to_other))
    assert seen.unacknowledged_since == handed
    assert unseen.unacknowledged_since == MONDAY


def test_a_case_of_no_team_waits_for_office_hours_too() -> None:
    sunday = MONDAY + 6 * 24 * HOUR
    for step in steps_at(history(team=None), around(sunday)):
        assert is_open(step.not_before)
    assert steps_at(history(team=None), around(sunday))


@pytest.mark.parametrize("rung", ["owner", "lead", "manager", "director"])
@pytest.mark.parametrize("team", ["desk", "gone", None])
def test_an_orphan_always_reaches_somebody(rung: Any, team: str | None) -> None:
    """No owner and everybody of the chain away: the fallback role, and the mailbox when even that is empty."""
    orphan = replace(fold(history()), owner_id=None, team=team)
    stand_in = person("second", "director", None)
    told = whom(orphan, rung, around(MONDAY, *away(*PEOPLE), staff=(*STAFF, stand_in)))
    assert told == Recipient("employee", "second")
    mailbox = whom(orphan, rung, around(MONDAY, *away(*PEOPLE)))
    assert mailbox == Recipient("team", team or "unrouted")
    assert whom(orphan, rung, around(MONDAY, staff=())) == mailbox


def test_without_an_owner_the_lead_of_the_team_is_told() -> None:
    orphan = replace(fold(history()), owner_id=None)
    assert whom(orphan, "lead", around(MONDAY)) == Recipient("employee", "lead")
    assert whom(orphan, "lead", around(MONDAY, *away("lead"))) == Recipient("employee", "manager")


def test_an_owner_who_has_left_is_not_told() -> None:
    left = replace(fold(history()), owner_id="long gone")
    assert whom(left, "owner", around(MONDAY)) == Recipient("employee", "lead")


def test_merged_and_excellence_cases_remind_nobody() -> None:
    late = around(MONDAY + 3 * WEEK * HOUR)
    merged = history((EventKind.MERGED, MONDAY + HOUR, {"into": "C2"}))
    assert steps_at(merged, late) == ()
    praise = [event(EventKind.OPENED, MONDAY, 1, severity=3, case_kind="excellence")]
    assert due_steps("C1", fold(praise), (), late, set()) == ()


def test_a_resolved_case_is_reminded_of_the_customer_but_climbs_no_more() -> None:
    done = history((EventKind.RESOLVED, MONDAY + HOUR, {}))
    took = [step for _, step in ticked(done, list(range(4 * WEEK)))]
    assert {(step.kind, step.metric) for step in took} == {("reminder", "inform_customer")}


def state(at: datetime, *more: tuple[EventKind, datetime, dict[str, Any]]) -> CaseState:
    return fold([e for e in history(*more) if e.occurred_at <= at])


def test_a_case_expires_after_so_many_days_without_a_touch() -> None:
    last = MONDAY + HOUR
    for days, expected in ((29, False), (30, True)):
        now = last + timedelta(days=days)
        assert is_expired(state(now), last, around(now)) is expected
    later = MONDAY + timedelta(days=60)
    assert not is_expired(state(later, (EventKind.RESOLVED, MONDAY + HOUR, {})), last, around(later))


@given(st.integers(0, 3 * WEEK * 4))
def test_the_digest_comes_on_working_days_after_its_hour_under_one_key_a_day(quarters: int) -> None:
    now = MONDAY + quarters * timedelta(minutes=15)
    local = now.astimezone(ZONE)
    works = local.weekday() < 5 and local.date() != date(2026, 7, 8)
    found = digest_key("agent", TEAMS.teams[0], around(now))
    if works and local.time() >= RULES.digest.at:
        assert found == (f"digest|agent|{local.date().isoformat()}", local.date())
    else:
        assert found is None
    assert digest_key("agent", TEAMS.teams[0], around(now, *away("agent"))) is None


@pytest.mark.parametrize(
    "faulty",
    [
        {"reminder_shares": [0.8, 0.5]},
        {"reminder_shares": [0.5, 1.5]},
        {"ladder": []},
        {"ladder": [{"level": 1, "to": "lead"}]},
        {"ladder": [{"level": 1, "to": "lead", "metric": "resolve"}]},
        {"ladder": [{"level": 1, "to": "lead", "metric": "resolve", "share": 1, "unacknowledged_hours": 8}]},
        {"ladder": [{"level": 1, "to": "owner of the company", "unacknowledged_hours": 8}]},
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(faulty: dict[str, Any]) -> None:
    ladder = [{"level": 1, "to": "lead", "unacknowledged_hours": 8}]
    with pytest.raises(ValidationError):
        EscalationRules.model_validate({"ladder": ladder} | faulty)
