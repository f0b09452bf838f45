"""The org chart: who held which position when, who was away, and who is above and below whom."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.business_time import Calendar, Interval
from models.sla import SlaPolicy, SlaTarget
from models.staff import Absence, OrgChart, Position, Team, Teams, WorkUnits

NOW = datetime(2026, 7, 6, 10, tzinfo=UTC)
DAY = date(2026, 7, 6)
HOUR = timedelta(hours=1)
NAMES = tuple(f"E{k}" for k in range(8))


def position(employee_id: str, role: str = "agent", **more: Any) -> Position:
    return Position(employee_id, role, **({"team_id": "T0001", "valid_from": date(2026, 1, 1)} | more))


def team(**more: Any) -> Team:
    agents = {"all": [{"field": "role", "op": "is", "value": "agent"}]}
    return Team.model_validate({"code": "desk", "title": "Desk", "members": agents} | more)


days = st.integers(-40, 40).map(lambda k: DAY + timedelta(days=k))
positions = st.builds(
    Position,
    st.sampled_from(NAMES),
    st.sampled_from(["agent", "team_lead", "manager", "director", "qa"]),
    st.sampled_from(["T0001", "T0002"]),
    valid_from=days,
    valid_to=st.none() | days,
    manager_id=st.none() | st.sampled_from(NAMES),
    region=st.none() | st.sampled_from(["north", "south"]),
    skills=st.frozensets(st.sampled_from(["security", "borrowing"])),
    capacity_units=st.integers(0, 12),
)
absences = st.builds(
    lambda who, start, hours: Absence(who, NOW + start * HOUR, NOW + (start + hours) * HOUR),
    st.sampled_from(NAMES), st.integers(-30, 30), st.integers(0, 20),
)  # fmt: skip
charts = st.builds(
    OrgChart, st.lists(positions, max_size=14).map(tuple), st.lists(absences, max_size=10).map(tuple)
)  # fmt: skip


@given(charts, st.randoms(use_true_random=False))
def test_the_order_of_hrs_rows_decides_nothing(chart: OrgChart, rng: random.Random) -> None:
    rows, away = list(chart.positions), list(chart.absences)
    rng.shuffle(rows)
    rng.shuffle(away)
    again = OrgChart(tuple(rows), tuple(away))
    assert again.on(NOW) == chart.on(NOW)
    assert again.members(team(), NOW) == chart.members(team(), NOW)
    for person in NAMES:
        assert list(again.chain(person, NOW)) == list(chart.chain(person, NOW))
        assert again.below(person, NOW) == chart.below(person, NOW)
        assert again.away_until(person, NOW) == chart.away_until(person, NOW)


@given(charts, st.integers(-20, 20))
def test_a_person_is_back_at_the_first_hour_that_no_absence_covers(chart: OrgChart, hours: int) -> None:
    """Against walking hour by hour; two absences that touch are one, or the grace of the first would never end."""
    at = NOW + hours * HOUR
    for person in NAMES:
        back = at
        while any(a.employee_id == person and a.covers(back) for a in chart.absences):
            back += HOUR
        assert chart.away_until(person, at) == (back if back > at else None)


@given(charts)
def test_nobody_is_present_who_is_away_or_holds_no_position(chart: OrgChart) -> None:
    for person in NAMES:
        away = any(a.employee_id == person and a.covers(NOW) for a in chart.absences)
        holds = any(p.employee_id == person and p.holds_on(DAY) for p in chart.positions)
        assert chart.is_present(person, NOW) == (holds and not away)
    assert chart.absent(NAMES, NOW) == frozenset(p for p in NAMES if not chart.is_present(p, NOW))
    assert not chart.is_present(None, NOW)


@given(charts)
def test_above_and_below_are_two_views_of_one_tree_and_a_circle_ends(chart: OrgChart) -> None:
    above = {person: [p.employee_id for p in chart.chain(person, NOW)] for person in NAMES}
    for boss in chart.on(NOW):
        assert chart.below(boss, NOW) == {person for person in chart.on(NOW) if boss in above[person]}
    for person, chain in above.items():
        assert person not in chain and len(set(chain)) == len(chain)


def test_a_position_holds_on_its_first_and_its_last_day() -> None:
    held = position("E1", valid_from=DAY, valid_to=DAY + timedelta(days=1))
    holds = [held.holds_on(DAY + timedelta(days=k)) for k in (-1, 0, 1, 2)]
    assert holds == [False, True, True, False]


def test_a_reorganisation_moves_people_from_its_day_on_and_the_past_stays_as_it_was() -> None:
    moved = DAY
    chart = OrgChart(
        (
            position("E1", manager_id="E8", region="north", valid_to=moved - timedelta(days=1)),
            position("E1", manager_id="E9", region="south", team_id="T0002", valid_from=moved),
            position("E8", "team_lead"),
            position("E9", "team_lead", team_id="T0002"),
        )
    )
    south = team(members={"all": [{"field": "region", "op": "is", "value": "south"}]})
    before, after = NOW - timedelta(days=1), NOW
    assert [p.employee_id for p in chart.chain("E1", before)] == ["E8"]
    assert [p.employee_id for p in chart.chain("E1", after)] == ["E9"]
    assert (chart.below("E9", before), chart.below("E9", after)) == (frozenset(), frozenset({"E1"}))
    assert not chart.members(south, before)
    assert [p.employee_id for p in chart.members(south, after)] == ["E1"]


def test_whoever_works_is_present_while_the_calendar_is_open() -> None:
    office = Calendar(code="default", zone="UTC", weekly=(("mon", (Interval(start=time(9), end=time(17)),)),))
    policy = SlaPolicy(targets=(SlaTarget(metric="resolve", seconds=60, calendar="default"),), calendars=(office,))
    chart = OrgChart((position("E1"),), (Absence("E1", NOW, NOW + HOUR),))
    asked = [NOW - HOUR, NOW, NOW + HOUR, NOW.replace(hour=18), NOW + timedelta(days=1)]
    assert [chart.is_working("E1", at, policy, "default") for at in asked] == [True, False, True, False, False]


def test_members_have_the_role_and_one_of_the_skills() -> None:
    fraud = team(skills_any=("security", "cards"))
    chart = OrgChart(
        (
            position("E3", skills=frozenset({"security", "loans"})), position("E1", skills=frozenset({"cards"})),
            position("E2", skills=frozenset({"loans"})), position("E4", "qa", skills=frozenset({"security"})),
        )
    )  # fmt: skip
    assert [p.employee_id for p in chart.members(fraud, NOW)] == ["E1", "E3"]
    assert [p.employee_id for p in chart.with_role("qa", NOW)] == ["E4"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: team(members={"all": [{"field": "mood", "op": "is", "value": "bad"}]}), "no field mood"),
        (lambda: Teams(teams=(team(), team())), "used twice"),
        (lambda: WorkUnits(by_severity={1: 4.0, 2: 2.0, 3: 1.0}), "each severity"),
        (lambda: WorkUnits(by_severity={1: 4.0, 2: 2.0, 3: 1.0, 4: 0.0}), "above zero"),
    ],
)
def test_teams_that_make_no_sense_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make()


def test_a_case_weighs_by_severity_and_kind() -> None:
    units = WorkUnits(by_kind={"excellence": 0.25})
    assert [units.of(severity=s, kind="recovery") for s in (1, 2, 3, 4)] == [4.0, 2.0, 1.0, 0.5]
    assert units.of(severity=2, kind="excellence") == 0.5
    assert Teams(teams=(team(),)).team("desk") == team()
    assert Teams(teams=(team(),)).team(None) is None
