"""How far somebody reaches when a position changed: no further than either position allows."""

from __future__ import annotations

from datetime import UTC, date, datetime

from models.access import Principal, reaches
from models.routing import Condition, Match
from models.staff import OrgChart, Position, Team, Teams

NOBODY_HERE = Match(all=(Condition(field="team_id", op="is", value="T0009"),))
TEAMS = Teams(teams=(Team(code="other", title="Another team", members=NOBODY_HERE),))
CASE = {"owner": "p9", "team": "north-desk", "branch": "B9", "region": None}


def _at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 9, tzinfo=UTC)


def _sees(org: OrgChart, opened_at: datetime, now: datetime) -> bool:
    found = reaches(Principal("p4", "director"), org, TEAMS, now)
    return any(reach.covers(**CASE, opened_at=opened_at) for reach in found)


def test_a_former_director_sees_the_cases_of_that_time_and_none_of_after() -> None:
    org = OrgChart(
        (
            Position("p4", "director", "T0001", date(2025, 12, 1), date(2026, 1, 14)),
            Position("p4", "agent", "T0001", date(2026, 1, 15), None),
        )
    )
    now = _at(3, 1)
    assert _sees(org, _at(1, 14), now)
    assert not _sees(org, _at(1, 15), now)


def test_who_was_a_director_only_for_a_while_saw_nothing_before_either() -> None:
    org = OrgChart(
        (
            Position("p4", "agent", "T0001", date(2025, 12, 1), date(2026, 1, 14)),
            Position("p4", "director", "T0001", date(2026, 1, 15), date(2026, 1, 31)),
            Position("p4", "agent", "T0001", date(2026, 2, 1), None),
        )
    )
    now = _at(3, 1)
    assert not _sees(org, _at(1, 14), now)
    assert _sees(org, _at(1, 20), now)
    assert not _sees(org, _at(2, 10), now)
