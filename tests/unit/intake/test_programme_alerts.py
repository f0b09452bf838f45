"""alerts.yml as a part of a programme: optional, typed, refused by name when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from intake.programme import parse_programme, read_files
from models.alerts import AlertPolicy

BANK = read_files(Path("programme/bank"))


def test_a_programme_applied_before_there_was_a_budget_still_loads_under_the_defaults() -> None:
    earlier = {name: text for name, text in BANK.items() if name != "alerts.yml"}
    assert parse_programme("bank", earlier).alerts == AlertPolicy()


def test_what_the_file_says_holds() -> None:
    asked = {**BANK, "alerts.yml": "per_person_a_week: 5\ngroup_minutes: 0\n"}
    found = parse_programme("bank", asked).alerts
    assert (found.weekly_budget(4), found.group_minutes) == (20, 0)


def test_a_faulty_file_is_refused_by_its_name() -> None:
    faulty = {**BANK, "alerts.yml": "team_breaker: {minutes: 5, trips_at: 3, closes_below: 3}\n"}
    with pytest.raises(ValueError, match=r"alerts\.yml"):
        parse_programme("bank", faulty)
