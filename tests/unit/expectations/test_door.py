"""A suite at the door finds what was planted, tells only numbers, and is silent where there is nothing to say."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations import run as running
from expectations.door import door_suite
from expectations.results import NO_DATA, CheckResult
from expectations.run import SuiteNotRun, quarantined_rows, run_suite
from expectations.suites import Check, Measure, Suite, blocking_names, check_names
from tests.support import ROOT
from tests.unit.expectations.tables import AS_OF, CANARY, CONTRACT, LANDED, landed, visit

SUITE = door_suite(CONTRACT)


def check(table: pa.Table | Path, quarantined: int = 0, **more: Any) -> dict[str, CheckResult]:
    results = run_suite(SUITE, table, as_of=AS_OF, numbers={"quarantined": quarantined}, **more)
    assert [result.name for result in results] == list(check_names(SUITE))
    return {result.name: result for result in results}


def failed(results: dict[str, CheckResult]) -> set[str]:
    return {name for name, result in results.items() if not result.passed}


def test_good_rows_pass_every_check() -> None:
    assert failed(check(landed(*(visit(n) for n in range(20))))) == set()


PLANTED = [
    ({"visited_at": None}, "complete", (("visited_at", 1),)),
    ({"_row_hash": None}, "complete", (("_row_hash", 1),)),
    ({"visited_at": AS_OF + timedelta(days=3)}, "not_in_future", (("visited_at", 1),)),
    ({"channel": CANARY}, "allowed__channel", ()),
    ({"score": 11}, "range__score", (("above", 1),)),
    ({"survey": "CSAT", "score": 6}, "scale__score", (("CSAT", 1),)),
    ({"paid_usd": -1}, "range__paid_usd", (("below", 1),)),
    ({"words": f"{CANARY} write to ann.b+c@mail.example.co.uk please"}, "redacted", (("words: email", 1),)),
    ({"words": f"{CANARY} call +44 20 7946 0958 now"}, "redacted", (("words: phone", 1),)),
    ({"words": f"{CANARY} call (212) 555-0187."}, "redacted", (("words: phone", 1),)),
    ({"words": f"{CANARY} my card 4111 1111 1111 1111"}, "redacted", (("words: card", 1),)),
    ({"words": f"{CANARY} 378282246310005, ok?"}, "redacted", (("words: card", 1),)),
    ({"email_key": f"{CANARY}@mail.example"}, "redacted", (("email_key: email", 1),)),
]


@pytest.mark.parametrize(("cells", "name", "parts"), PLANTED)
def test_a_planted_bad_value_is_found_counted_and_never_told(
    cells: dict[str, Any], name: str, parts: tuple[tuple[str, int], ...]
) -> None:
    results = check(landed(*(visit(n, score=n % 5 + 1) for n in range(9)), visit(9, **cells)))
    expected = {name, "range__score"} if cells.get("score") == 11 else {name}
    assert failed(results) - {"scale__score"} == expected - {"scale__score"}
    assert name in failed(results)
    assert (results[name].rows, results[name].unexpected_count, results[name].table) == (10, 1, parts)
    assert results[name].unexpected_percent == pytest.approx(10.0, abs=2.0)
    assert results[name].blocking
    told = json.dumps([dataclasses.asdict(result) for result in results.values()])
    assert CANARY not in told
    assert "example" not in told


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111111111111112 came late",
        "ticket 20240601123456789 and case 555-0187",
        "XXXX XX/XX/2025 {$500.00} XXXX@XXXX",
        "[EMAIL] [PHONE] [CARD]",
        "@airline worst flight ever, ref 1234-5678",
        "from 2024-05-01 10:00 to 2024-05-03 17:30, about 1000-2000 dollars",
        "IBAN and 3.14159265358979",
        None,
        "",
    ],
)
def test_harmless_text_does_not_alarm_the_canary(text: str | None) -> None:
    assert failed(check(landed(visit(1, words=text)))) == set()


def test_a_planned_date_may_lie_in_the_future_and_the_limit_moves_with_as_of() -> None:
    late = landed(visit(1, visited_at=AS_OF + timedelta(days=1)))
    assert failed(check(late)) == set()
    earlier = run_suite(SUITE, late, as_of=AS_OF - timedelta(days=9), numbers={"quarantined": 0})
    assert [result.name for result in earlier if not result.passed] == ["not_in_future"]


def test_a_missing_column_fails_by_count_and_by_completeness() -> None:
    results = check(landed(visit(1)).drop_columns(["visited_at", "channel"]))
    assert failed(results) == {"columns", "complete"}
    assert results["columns"].observed == 2


@pytest.mark.parametrize("column", LANDED.names)
def test_whatever_column_is_missing_is_reported_and_breaks_nothing(column: str) -> None:
    results = check(landed(visit(1)).drop_columns([column]))
    assert results["columns"].observed == (0 if column == "words_redactions" else 1)


def test_a_table_without_rows_passes_with_a_note() -> None:
    for nothing in (landed(), Path("/no/such/folder")):
        results = check(nothing)
        assert failed(results) == set()
        assert {result.note for result in results.values()} == {NO_DATA}


def test_a_delivery_that_went_to_quarantine_whole_is_no_empty_stage() -> None:
    assert failed(check(landed(), quarantined=40)) == {"quarantine_share"}


def test_too_many_quarantined_rows_fail_and_a_few_do_not() -> None:
    rows = landed(*(visit(n) for n in range(900)))
    assert failed(check(rows, quarantined=90)) == set()
    results = check(rows, quarantined=300)
    assert failed(results) == {"quarantine_share"}
    assert results["quarantine_share"].observed == pytest.approx(0.25)


def test_three_broken_rows_among_twenty_are_too_few_to_judge_a_source_by() -> None:
    results = check(landed(*(visit(n) for n in range(20))), quarantined=3)
    assert results["quarantine_share"].passed
    assert results["quarantine_share"].note == "too little data to measure"


def test_a_folder_of_deliveries_is_read_and_only_new_batches_are_judged(tmp_path: Path) -> None:
    pq.write_table(landed(), tmp_path / "_schema.parquet")
    pq.write_table(landed(visit(1, channel="fax")), tmp_path / "1-aa.parquet")
    pq.write_table(landed(visit(2, _batch_id=2), visit(3, _batch_id=2)), tmp_path / "2-bb.parquet")
    assert failed(check(tmp_path)) == {"allowed__channel"}
    results = check(tmp_path, since_batch=2)
    assert failed(results) == set()
    assert results["complete"].rows == 2
    assert {result.note for result in check(tmp_path, since_batch=3).values()} == {"nothing new in this table"}


def test_a_batch_far_from_its_predecessors_warns_without_blocking() -> None:
    usual = [visit(n, _batch_id=1 + n // 100) for n in range(300)]
    small = check(landed(*usual, *(visit(n, _batch_id=9) for n in range(5))))
    assert failed(small) == {"volume_vs_previous"}
    assert not small["volume_vs_previous"].blocking
    assert small["volume_vs_previous"].observed == pytest.approx(0.05)
    assert failed(check(landed(*usual, *(visit(n, _batch_id=9) for n in range(80))))) == set()


def test_a_batch_of_a_few_days_is_measured_by_the_day() -> None:
    timed = door_suite(CONTRACT.model_copy(update={"event_time": "visited_at"}))
    start = datetime(2024, 1, 1, tzinfo=UTC)

    def ratio(per_day: int) -> float | None:
        months = [visit(n, _batch_id=1 + n // 300, visited_at=start + timedelta(days=n / 10)) for n in range(1200)]
        week = [visit(n, _batch_id=9, visited_at=start + timedelta(days=120 + n / per_day)) for n in range(7 * per_day)]
        late = [visit(n, _batch_id=9, visited_at=start) for n in range(2)]
        results = run_suite(timed, landed(*months, *week, *late), as_of=AS_OF, numbers={"quarantined": 0})
        found = {result.name: result for result in results}["volume_vs_previous"]
        assert found.passed == (per_day == 10)
        return found.observed

    assert ratio(10) == pytest.approx(1.0, abs=0.1)
    assert ratio(60) == pytest.approx(6.0, abs=0.4)


def test_two_batches_are_too_few_to_call_a_volume_unusual() -> None:
    results = check(landed(*(visit(n) for n in range(300)), visit(1, _batch_id=2)))
    assert results["volume_vs_previous"].passed
    assert results["volume_vs_previous"].note == "too little data to measure"


def test_a_shifted_channel_warns() -> None:
    before = [visit(n, channel=("web", "branch")[n % 2]) for n in range(400)]
    same = [visit(n, channel=("web", "branch")[n % 2], _batch_id=2) for n in range(400)]
    other = [visit(n, channel="branch", _batch_id=2) for n in range(400)]
    assert failed(check(landed(*before, *same))) == set()
    shifted = check(landed(*before, *other))
    assert failed(shifted) == {"shift__channel"}
    assert shifted["shift__channel"].observed == pytest.approx(0.5)
    assert "shift__channel" not in blocking_names(SUITE)


def test_results_are_the_same_however_the_rows_are_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [visit(n, channel="fax" if n % 7 == 0 else "web", score=n % 13, survey=None) for n in range(5000)]
    whole = check(landed(*rows))
    monkeypatch.setattr(running, "BLOCK_ROWS", 2048)
    assert check(landed(*rows)) == whole
    assert whole["allowed__channel"].unexpected_count == 715
    assert whole["range__score"].unexpected_count == sum(1 for n in range(5000) if n % 13 > 10)


def test_mostly_tolerates_its_share_and_no_more() -> None:
    def lenient(bad: int) -> CheckResult:
        one = Check("allowed__a", "A is x.", Measure("a", "a"), allowed=("x",), mostly=0.9)
        suite = Suite("t", {"a": "VARCHAR"}, (one,))
        table = pa.table({"a": ["y"] * bad + ["x"] * (100 - bad)})
        return run_suite(suite, table, as_of=AS_OF)[0]

    assert lenient(10).passed
    assert not lenient(11).passed


def test_an_error_of_the_database_names_no_value() -> None:
    suite = Suite("raw_t", {"a": "VARCHAR"}, (Check("x", "A number.", Measure("n", "a::INTEGER"), low=0),))
    with pytest.raises(SuiteNotRun) as error:
        run_suite(suite, pa.table({"a": [CANARY]}), as_of=AS_OF)
    assert CANARY not in str(error.value)
    assert error.value.__cause__ is None


def test_an_expectation_that_cannot_be_evaluated_fails_with_a_note() -> None:
    suite = Suite("raw_t", {"a": "VARCHAR"}, (Check("x", "A number.", Measure("n", "a"), low=0),))
    result = run_suite(suite, pa.table({"a": [CANARY]}), as_of=AS_OF)[0]
    assert not result.passed
    assert result.note == "the expectation could not be evaluated"
    assert CANARY not in json.dumps(dataclasses.asdict(result))


def test_what_a_suite_needs_must_be_given() -> None:
    with pytest.raises(ValueError, match="quarantined"):
        run_suite(SUITE, landed(), as_of=AS_OF)
    with pytest.raises(ValueError, match="time zone"):
        run_suite(SUITE, landed(), as_of=datetime(2024, 1, 1), numbers={"quarantined": 0})


def test_quarantined_rows_counts_rows_and_not_their_reasons(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES (1, 'a.csv', 2, 'x'), (1, 'a.csv', 2, 'y'), (1, 'a.csv', 9, 'x'), "
            f"(4, 'b.csv', 2, 'x')) v(batch_id, file, line, reason)) TO '{tmp_path}/1-aa.parquet' (FORMAT parquet)"
        )
    assert quarantined_rows(tmp_path) == 3
    assert quarantined_rows(tmp_path, since_batch=2) == 1
    assert quarantined_rows(tmp_path / "absent") == 0


def test_names_are_listed_without_great_expectations_pandas_or_duckdb() -> None:
    script = """
import sys
from models.contract import SourceContract
from expectations.door import door_suites
from expectations.ml_outputs import ml_suites
from expectations.suites import check_names, blocking_names
contract = SourceContract.model_validate({"source": "a", "entity": "b", "format": "csv", "grain": "One row per b.",
    "description": "A small source.", "owner": "team", "key": ["id"],
    "columns": [{"name": "id", "type": "text", "required": True, "description": "Number of b."}]})
suites = {**door_suites([contract]), **ml_suites()}
print(sum(len(check_names(suite)) + len(blocking_names(suite)) for suite in suites.values()))
print(sorted({"great_expectations", "pandas", "duckdb", "pyarrow", "dagster"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    count, loaded = done.stdout.split("\n")[:2]
    assert int(count) > 40
    assert loaded == "[]"


def test_check_names_are_unique_and_fit_for_dagster() -> None:
    names = check_names(SUITE)
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() for name in names)
