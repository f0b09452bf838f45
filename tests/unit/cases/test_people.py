"""Positions and absences in the ledger: told once, corrected by the newest word, and asked as they were known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import people
from models.settings import Settings
from models.staff import OrgChart, Position
from tests.unit.cases.builders import day

ANN = Position(
    "E1", "agent", "T0001", date(2026, 1, 1), manager_id="E9", skills=frozenset({"a", "b"}), capacity_units=8
)


def test_the_same_positions_told_again_are_nothing_new(ledger: Settings) -> None:
    assert people.record_positions([ANN, ANN], day(0)) == 1
    assert people.record_positions([ANN], day(1)) == 0
    assert people.org_chart(day(99)) == OrgChart((ANN,))


def test_the_newest_word_about_a_first_day_counts_and_the_older_one_stays_askable(ledger: Settings) -> None:
    corrected = replace(ANN, team_id="T0002")
    people.record_positions([ANN], day(0))
    people.record_positions([corrected], day(5))
    assert people.org_chart(day(4)).positions == (ANN,)
    assert people.org_chart(day(5)).positions == (corrected,)
    assert people.org_chart(day(-1)).positions == ()


def test_a_position_that_goes_back_to_what_it_was_is_recorded_again(ledger: Settings) -> None:
    for at, position in enumerate((ANN, replace(ANN, role="team_lead"), ANN)):
        assert people.record_positions([position], day(at)) == 1
    assert people.org_chart(day(99)).positions == (ANN,)


def told(key: str = "A1", known_by: float = 0) -> bool:
    return people.record_absence(key, "E1", day(1), day(2), recorded_at=day(known_by), by="ops")


def test_an_absence_told_twice_is_one_and_a_withdrawn_one_is_none(ledger: Settings) -> None:
    assert told() and not told()
    assert people.org_chart(day(0)).away_until("E1", day(1)) == day(2)
    people.withdraw_absence("A1", recorded_at=day(0.5), by="ops")
    people.withdraw_absence("A1", recorded_at=day(0.6), by="ops")
    assert people.org_chart(day(9)).absences == ()
    assert len(people.org_chart(day(0.25)).absences) == 1, "what was known before stays known"
    assert told("A2") and [absence.key for absence in people.absences(day(9))] == ["A2"]
    with pytest.raises(people.UnknownAbsence):
        people.withdraw_absence("A3", recorded_at=day(1), by="ops")


@pytest.mark.parametrize(("start", "end"), [(2, 1), (1, 1)])
def test_an_absence_that_ends_before_it_starts_is_refused(ledger: Settings, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="after it begins"):
        people.record_absence("A1", "E1", day(start), day(end), recorded_at=day(0), by="ops")


def test_the_version_of_the_chart_changes_with_every_word(ledger: Settings) -> None:
    versions = [people.chart_version()]
    people.record_positions([ANN], day(0))
    versions.append(people.chart_version())
    told()
    versions.append(people.chart_version())
    people.withdraw_absence("A1", recorded_at=day(0), by="ops")
    versions.append(people.chart_version())
    assert len(set(versions)) == 4


@given(words=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(("agent", "qa")), st.integers(0, 3)), max_size=8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_whatever_order_words_come_the_newest_about_each_first_day_counts(
    new_ledger: object, words: list[tuple[int, str, int]]
) -> None:
    new_ledger()  # type: ignore[operator]
    expected: dict[date, str] = {}
    for at, (first, role, _) in enumerate(words):
        start = date(2026, 1, 1) + timedelta(days=first)
        people.record_positions([replace(ANN, valid_from=start, role=role)], day(at))
        expected[start] = role
    assert {p.valid_from: p.role for p in people.org_chart(day(99)).positions} == expected
