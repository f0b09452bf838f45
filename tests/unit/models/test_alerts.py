"""alerts.yml without a file, with faults, and how sure a rule's precision is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.alerts import AlertPolicy, Breaker, rule_precision


def test_a_programme_without_the_file_gives_each_person_seven_alerts_a_week() -> None:
    assert AlertPolicy().weekly_budget(people=3) == 21


def test_a_team_of_fewer_than_no_people_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        AlertPolicy().weekly_budget(people=-1)


@pytest.mark.parametrize(
    ("severity", "vulnerable", "regulated", "kept"),
    [(1, False, False, True), (2, False, False, False), (4, True, False, True), (4, False, True, True)],
)
def test_the_gravest_the_vulnerable_and_the_regulated_are_never_held_back(
    severity: int, vulnerable: bool, regulated: bool, kept: bool
) -> None:
    assert AlertPolicy().never_demoted(severity, vulnerable=vulnerable, regulated=regulated) is kept


def test_a_breaker_that_would_close_where_it_trips_is_refused() -> None:
    with pytest.raises(ValidationError, match="closes_below 30"):
        Breaker(trips_at=30, closes_below=30)


def test_an_unknown_key_of_the_file_is_refused() -> None:
    with pytest.raises(ValidationError, match="per_day"):
        AlertPolicy.model_validate({"per_day": 3})


def test_a_rule_none_of_whose_cases_has_ended_has_no_precision() -> None:
    assert rule_precision(0, 0).share is None


def test_the_interval_is_the_published_one_for_nine_of_ten() -> None:
    found = rule_precision(9, 1)
    assert (found.low, found.high) == pytest.approx((0.5958, 0.9821), abs=1e-4)


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_share_lies_within_its_interval_and_the_interval_within_nought_and_one(valid: int, invalid: int) -> None:
    found = rule_precision(valid, invalid)
    if found.share is not None and found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.share + 1e-12
        assert found.share - 1e-12 <= found.high <= 1
    else:
        assert valid + invalid == 0
