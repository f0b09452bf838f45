"""The world's building blocks against simple counterparts."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stdnum import iban, luhn

from tests.support import ROOT
from world.clock import DAY, NEVER, epoch, horizon, local_clock
from world.draws import pick_by_row, stream
from world.pii import iban_check_digits, luhn_check_digits
from world.queueing import fifo_starts
from world.recovery import _without_own
from world.rendering import csv_cell, json_cell
from world.schedule_rows import extracts


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 20)), min_size=1, max_size=40))
def test_the_vectorised_queue_equals_a_queue_simulated_job_by_job(jobs: list[tuple[float, float]]) -> None:
    jobs = sorted(jobs, key=lambda job: job[0])
    free, starts = 0.0, []
    for arrival, service in jobs:
        begin = max(arrival, free)
        starts.append(begin)
        free = begin + service
    got = fifo_starts(np.array([j[0] for j in jobs]), np.array([j[1] for j in jobs]))
    assert got == pytest.approx(starts)


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 8), st.just(15)), elements=st.integers(0, 9)))
def test_luhn_digits_agree_with_the_library(payload: np.ndarray) -> None:
    for row, digit in zip(payload, luhn_check_digits(payload), strict=True):
        assert luhn.is_valid("".join(map(str, row)) + str(digit))


@given(hnp.arrays(np.int64, (3, 18), elements=st.integers(0, 9)))
def test_iban_digits_agree_with_the_library(account: np.ndarray) -> None:
    for row, check in zip(account, iban_check_digits("DE", "", account), strict=True):
        assert iban.is_valid(f"DE{check:02d}" + "".join(map(str, row)))


@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n"), max_size=30),
        min_size=1,
        max_size=5,
    )
)
def test_cells_survive_csv_and_json(texts: list[str]) -> None:
    import csv
    import io
    import json

    values = pa.array(texts, pa.string())
    assert [json.loads(t) for t in json_cell(values).to_pylist()] == texts
    lines = "".join(f"x,{cell}\n" for cell in csv_cell(values).to_pylist())
    assert [row[1] for row in csv.reader(io.StringIO(lines, newline=""))] == texts


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_what_remains_without_the_own_time_equals_a_loop(seed: int, customers: int) -> None:
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, customers, 12).astype(np.int32)
    own = np.where(rng.random(12) < 0.5, NEVER, rng.integers(0, 50, 12))
    base = np.where(rng.random(customers) < 0.5, NEVER, rng.integers(0, 50, customers))
    expected = [
        min([base[c], *(own[j] for j in range(12) if j != i and customer[j] == c)]) for i, c in enumerate(customer)
    ]
    assert _without_own(base, customer, own).tolist() == expected


def test_streams_of_different_parts_are_independent_of_each_other() -> None:
    first = stream(3, "failures").random(4)
    stream(3, "outcomes").random(1000)
    assert np.array_equal(first, stream(3, "failures").random(4))
    assert not np.array_equal(first, stream(3, "contacts").random(4))
    assert not np.array_equal(stream(3, "orders", 0).random(4), stream(3, "orders", 1).random(4))


def test_draws_by_row_never_pick_what_has_no_weight() -> None:
    weights = np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    rows = np.repeat([0, 1], 5000)
    drawn = pick_by_row(stream(1, "t"), weights, rows)
    assert set(drawn[:5000]) == {1} and set(drawn[5000:]) == {0, 2}


def test_late_rows_wait_for_the_next_extract_and_keep_the_state_of_their_month() -> None:
    from datetime import date

    span = horizon(date(2026, 1, 5), 12, "America/New_York")
    created = epoch(date(2026, 1, 10))
    events = np.array([[created, created + 40 * DAY], [created, NEVER], [created, NEVER]])
    made = extracts(events, np.array([False, False, True]), span)
    assert [(e.month, e.rows.tolist(), e.late.tolist()) for e in made] == [
        (0, [0, 1], [False, False]),
        (1, [2, 0], [True, False]),
    ]
    assert made[1].as_of[0] == epoch(date(2026, 2, 1))


@pytest.mark.parametrize(("zone", "gap"), [("America/New_York", "2026-03-08T02"), ("Europe/London", "2026-03-29T01")])
def test_the_gap_of_daylight_saving_is_found(zone: str, gap: str) -> None:
    clock = local_clock(zone, epoch_of("2026-01-05"), epoch_of("2026-07-06"))
    gaps = [str(np.datetime64(g, "s"))[:13] for g in clock.gaps()]
    assert gap in gaps


def epoch_of(day: str) -> int:
    from datetime import date

    return epoch(date.fromisoformat(day))


def test_the_world_imports_no_other_room_but_models() -> None:
    rooms = {
        "ml",
        "intake",
        "expectations",
        "cases",
        "publishing",
        "orchestration",
        "amends",
        "desk",
        "django",
        "dagster",
    }
    for file in (ROOT / "world").rglob("*.py"):
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not {name.split(".")[0] for name in names} & rooms, file
