"""Daily series count what customers said, against who could have said it, on the days that were delivered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.conditions import SIGNAL_SCHEMA
from ml.detection.evidence import Evidence
from ml.detection.panels import Key, grid, last_day
from models.chart import Chart
from models.signal import OWN_SOURCE

FIRST = datetime(2025, 3, 3, tzinfo=UTC)
COMPLAINTS = Chart(measure="complaints", by=("cause_id", "region"))


def at(day: int, hour: int = 9) -> datetime:
    return FIRST + timedelta(days=day, hours=hour)


def said(*rows: dict[str, Any]) -> pa.Table:
    """Complaints unless said otherwise, each of a customer of its own."""
    filled = [
        {"signal_id": f"s{number}", "signal_kind": "complaint", "source": "complaints", "customer_id": f"K{number}"}
        | row
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(filled, schema=SIGNAL_SCHEMA)


def customers(*rows: tuple[int, str, str, int]) -> pa.Table:
    """(day, segment, region, customers)"""
    return pa.table(
        {
            "exposed_on": [(FIRST + timedelta(days=day)).date() for day, *_ in rows],
            "segment": [row[1] for row in rows],
            "region": [row[2] for row in rows],
            "customers": [row[3] for row in rows],
        }
    )


def series(table: pa.Table, key: Key, *, chart: Chart = COMPLAINTS, days: int, **more: Any) -> list[float]:
    found = grid(Evidence(table, **more), chart, as_of=at(days, 0))
    assert found is not None
    return [float(value) for value in found.total[found.keys.index(key)]]


def test_each_complaint_counts_in_its_own_series_and_in_every_coarser_one() -> None:
    table = said(
        {"occurred_at": at(0), "cause_id": "fees", "region": "north"},
        {"occurred_at": at(1), "cause_id": "fees", "region": "south"},
        {"occurred_at": at(1), "cause_id": None, "region": "north"},
        {"occurred_at": at(2), "cause_id": "card", "region": None},
    )
    assert series(table, Key(), days=3) == [1, 2, 1]
    assert series(table, Key(subject="fees"), days=3) == [1, 1, 0]
    assert series(table, Key(region="north"), days=3) == [1, 1, 0]
    assert series(table, Key(subject="fees", region="north"), days=3) == [1, 0, 0]


def test_our_own_notes_other_kinds_and_what_is_still_to_come_do_not_count() -> None:
    table = said(
        {"occurred_at": at(0)},
        {"occurred_at": at(0), "source": OWN_SOURCE},
        {"occurred_at": at(0), "signal_kind": "agent_note"},
        {"occurred_at": at(1, 23)},
        {"occurred_at": at(2, 1)},
    )
    # On the third day at five in the morning the second has ended and the third has not.
    found = grid(Evidence(table), COMPLAINTS, as_of=at(2, 5))
    assert found is not None and found.total[0].tolist() == [1, 1]


def test_a_customer_who_complains_of_one_matter_three_times_a_day_is_one_complaint() -> None:
    again = {"occurred_at": at(0), "customer_id": "K1", "cause_id": "fees"}
    table = said(
        again, again, again | {"cause_id": "card"}, again | {"customer_id": None}, again | {"customer_id": None}
    )
    assert series(table, Key(subject="fees"), days=1) == [3]
    assert series(table, Key(subject="card"), days=1) == [1]


def test_complaints_are_held_against_the_active_customers_of_their_segment_and_region() -> None:
    table = said({"occurred_at": at(0), "cause_id": "fees", "region": "north"}, {"occurred_at": at(2)})
    there = customers((0, "a", "north", 10), (0, "b", "north", 5), (0, "a", "south", 7), (1, "a", "north", 20),
                      (1, "b", "north", 5), (1, "a", "south", 7))  # fmt: skip
    found = grid(Evidence(table, exposure=there), COMPLAINTS, as_of=at(3, 0))
    assert found is not None
    # The customer data ends on the second day; the third has its customers.
    assert found.n[found.keys.index(Key())].tolist() == [22, 32, 32]
    assert found.n[found.keys.index(Key("fees", None, "north"))].tolist() == [15, 25, 25]


def test_without_customers_counts_are_compared_as_they_are() -> None:
    found = grid(Evidence(said({"occurred_at": at(0)})), COMPLAINTS, as_of=at(1, 0))
    assert found is not None and np.all(found.n == 1)


def test_nps_answers_are_promoters_and_detractors_others_run_from_nought_to_a_hundred() -> None:
    answers = [
        {"signal_kind": "survey_response", "score_metric": "nps", "score_normalised": score / 10, "occurred_at": at(0)}
        for score in (0, 6, 7, 8, 9, 10)
    ]
    found = grid(Evidence(said(*answers)), Chart(measure="nps"), as_of=at(1, 0))
    assert found is not None and found.squares is not None
    assert (found.n.item(), found.total.item(), found.squares.item()) == (6, 0, 40_000)
    easy = [answer | {"score_metric": "csat", "score_normalised": 0.75} for answer in answers]
    found = grid(Evidence(said(*easy)), Chart(measure="csat"), as_of=at(1, 0))
    assert found is not None and found.total.item() == 450


def test_days_a_source_was_silent_against_all_likelihood_are_not_days_without_complaints() -> None:
    days = [day for day in range(40) if not 20 <= day < 25]
    table = said(*({"occurred_at": at(day), "customer_id": f"K{day}-{n}"} for day in days for n in range(4)))
    found = grid(Evidence(table), COMPLAINTS, as_of=at(45, 0))
    assert found is not None
    assert [day for day in range(45) if not found.valid[day]] == [20, 21, 22, 23, 24, 40, 41, 42, 43, 44]


def test_a_quiet_weekend_of_a_small_source_is_a_weekend() -> None:
    table = said(*({"occurred_at": at(day)} for day in range(28) if day % 7 < 5))
    found = grid(Evidence(table), COMPLAINTS, as_of=at(26, 0))
    assert found is not None and found.valid.all()


def test_nothing_said_is_no_series() -> None:
    assert grid(Evidence(said()), COMPLAINTS, as_of=at(1)) is None


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        last_day(datetime(2025, 1, 1))
    assert last_day(datetime(2025, 1, 1, tzinfo=UTC)) == date(2024, 12, 31)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab"), st.sampled_from(["n", "s", None])), min_size=1),
    looked=st.integers(1, 21),
)
def test_what_was_seen_of_a_day_is_the_same_on_every_later_day(
    rows: list[tuple[int, str, str | None]], looked: int
) -> None:
    table = said(*({"occurred_at": at(day), "cause_id": cause, "region": region} for day, cause, region in rows))
    then, later = (grid(Evidence(table), COMPLAINTS, as_of=at(day, 0)) for day in (looked, 21))
    if then is None or later is None:
        assert min(day for day, *_ in rows) >= looked or later is None
        return
    for row, key in enumerate(then.keys):
        assert later.total[later.keys.index(key), : then.days].tolist() == then.total[row].tolist()
