"""The table the SQL clock counts by: what lies between two moments is the difference of two prefix sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from intake.business_intervals import HORIZON_YEARS, business_intervals
from models.business_time import scheduled_seconds
from tests.unit.models.sla_cases import SHOP, policy, target

SLA = policy(target("resolve", 1))
ROWS = business_intervals(SLA).to_pylist()


def rows_of(code: str) -> list[dict[str, object]]:
    return [row for row in ROWS if row["calendar_code"] == code]


def passed(code: str, at: datetime) -> int:
    """Business seconds of the horizon before a moment, read from the table."""
    before = [row for row in ROWS if row["calendar_code"] == code and row["starts_at"] <= at]
    if not before:
        return 0
    last = before[-1]
    return int(last["passed_seconds"] + (min(at, last["ends_at"]) - last["starts_at"]).total_seconds())


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["office", "shop", "24x7"]), st.integers(0, 30 * 365 * 86_400), st.integers(0, 400 * 86_400),
)  # fmt: skip
def test_two_prefix_sums_give_the_business_time_between_two_moments(code: str, since: int, length: int) -> None:
    start = datetime(HORIZON_YEARS[0], 1, 1, tzinfo=UTC) + timedelta(seconds=since)
    end = min(start + timedelta(seconds=length), datetime(HORIZON_YEARS[1] + 1, 1, 1, tzinfo=UTC))
    assert passed(code, end) - passed(code, start) == scheduled_seconds(SLA.versions(code), start, end)


def test_intervals_of_a_calendar_neither_touch_nor_overlap() -> None:
    for code in ("office", "shop", "24x7"):
        assert all(one["ends_at"] < other["starts_at"] for one, other in pairwise(rows_of(code)))  # type: ignore[operator]


def test_a_calendar_that_is_always_open_is_one_interval() -> None:
    (row,) = rows_of("24x7")
    assert (row["starts_at"], row["ends_at"]) == (row["horizon_starts_at"], row["horizon_ends_at"])


def test_versions_counted_by_the_last_one_only_are_left_unknown_rather_than_wrong() -> None:
    last = business_intervals(SLA.model_copy(update={"schedule": "last"}))
    assert set(last["calendar_code"].to_pylist()) == {"office", "24x7"}


def test_a_calendar_is_silent_about_the_time_before_its_first_version() -> None:
    from_march = SHOP.model_copy(update={"effective_from": datetime(2026, 3, 11, tzinfo=UTC).date()})
    table = business_intervals(policy(target("resolve", 1, calendar="shop"), calendars=(from_march,)))
    assert min(table["horizon_starts_at"].to_pylist()) == datetime(2026, 3, 11, tzinfo=UTC)
