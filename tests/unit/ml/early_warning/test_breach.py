"""Breaches foreseen: rows hold what was known at an age, and half a team gone shows before it hurts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml.early_warning.breach import now, past
from ml.early_warning.forecast import expected_events
from ml.early_warning.training import Trained, train
from models.target import Target

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def target(number: int = 0, *, hours: float | None = None, start: datetime = MONDAY, **other: object) -> Target:
    """A case with a target of 24 hours, put right after so many, or still open."""
    ended = None if hours is None else start + hours * HOUR
    base = Target(
        case_id=f"C{number}", started_at=start, due_at=start + 24 * HOUR, ended_at=ended,
        share_used=0.0 if hours is None else hours / 24, is_late=hours is not None and hours > 24, target_hours=24.0,
        severity=3, team="desk",
    )  # fmt: skip
    return replace(base, **other)  # type: ignore[arg-type]


def test_a_case_counts_at_every_age_it_was_still_open_and_at_no_other() -> None:
    rows = past([target(1, hours=13.0), target(2, hours=30.0)], as_of=MONDAY + 48 * HOUR)
    assert rows.table.column("share_used").to_pylist() == [0.0, 0.25, 0.5, 0.0, 0.25, 0.5, 0.75]
    assert rows.outcome.tolist() == [False] * 3 + [True] * 4


def test_a_case_put_right_quickly_does_not_count_before_its_target_has_passed() -> None:
    assert past([target(1, hours=2.0)], as_of=MONDAY + 3 * HOUR).table.num_rows == 0


def test_load_is_that_of_the_moment_and_not_of_today() -> None:
    later = [target(number, hours=50.0, start=MONDAY + 12 * HOUR) for number in range(2, 7)]
    rows = past([target(1, hours=30.0), *later], as_of=MONDAY + 200 * HOUR)
    assert rows.table.column("team_open").to_pylist()[:4] == [1.0, 1.0, 6.0, 6.0]


def test_what_is_missed_already_is_no_forecast() -> None:
    running, table = now([target(1), target(2, is_late=True), target(3, hours=3.0)], as_of=MONDAY + 5 * HOUR)
    assert [case.case_id for case in running] == ["C1"]
    assert table.num_rows == 1


def test_nobody_present_weighs_more_than_somebody() -> None:
    cases, day = [target(1)], (MONDAY - datetime(1970, 1, 1, tzinfo=UTC)).days
    _, some = now(cases, as_of=MONDAY, presence={day: {"desk": 2}})
    _, none = now(cases, as_of=MONDAY, presence={day: {"desk": 0}})
    assert none.column("open_per_person")[0].as_py() > some.column("open_per_person")[0].as_py()


@pytest.mark.parametrize("chances", [[0.5] * 10, [0.1, 0.9, 0.3], []])
def test_the_number_to_expect_lies_within_its_interval(chances: list[float]) -> None:
    told = expected_events(chances)
    assert told.low <= told.expected + 1 and told.expected - 1 <= told.high <= len(chances)


def test_ten_even_chances_give_two_to_eight() -> None:
    told = expected_events([0.5] * 10)
    assert (told.low, told.high) == (2, 8)


def worked(off: range, *, days: int = 120, seed: int = 5) -> tuple[list[Target], dict[int, dict[str, int]]]:
    """A desk of 24 people hour by hour, first come first served: 3.5 cases an hour meet 4.9 an hour; three
    days at a time some people are away, on the days `off` half of them are."""
    rng = np.random.default_rng(seed)
    first = (MONDAY - datetime(1970, 1, 1, tzinfo=UTC)).days
    shifts = np.resize([0, 2, 4, 12], days // 3 + 1)
    away = {day: 12 if day in off else int(shifts[day // 3]) for day in range(days)}
    waiting: list[int] = []
    began: list[datetime] = []
    ended: dict[int, datetime] = {}
    for hour in range(days * 24):
        at = MONDAY - 9 * HOUR + hour * HOUR
        for _ in range(rng.poisson(3.5)):
            waiting.append(len(began))
            began.append(at)
        for _ in range(min(int(rng.poisson((24 - away[hour // 24]) * 0.205)), len(waiting))):
            ended[waiting.pop(min(int(rng.geometric(0.15)) - 1, len(waiting) - 1))] = at + HOUR
    cases = [
        target(number, start=start, hours=None if number not in ended else (ended[number] - start) / HOUR)
        for number, start in enumerate(began)
    ]
    return cases, {first + day: {"desk": 24 - gone} for day, gone in away.items()}


def as_known(cases: list[Target], at: datetime) -> list[Target]:
    """The cases as they stood at a moment: what had begun, and open where the end came later."""
    return [
        replace(case, ended_at=None, share_used=(at - case.started_at) / (24 * HOUR), is_late=at > case.due_at)
        if case.ended_at is None or case.ended_at > at
        else case
        for case in cases
        if case.started_at <= at
    ]


def test_with_half_the_team_off_more_breaches_are_foreseen_and_they_come() -> None:
    quiet, told = worked(range(0))
    trained = train(past(quiet, as_of=MONDAY + 110 * 24 * HOUR, presence=told))
    assert isinstance(trained, Trained)
    at = MONDAY + timedelta(days=115, hours=10)
    foreseen, came = [], []
    for off in (range(0), range(113, 120)):
        cases, presence = worked(off)
        running, table = now(as_known(cases, at), as_of=at, presence=presence)
        foreseen.append(float(trained.model.probabilities(table).mean()))
        late = {case.case_id: case.is_late or case.ended_at is None for case in cases}
        came.append(float(np.mean([late[case.case_id] for case in running])))
    assert foreseen[1] > foreseen[0] + 0.1
    assert came[1] > came[0]
