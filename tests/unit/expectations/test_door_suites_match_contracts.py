"""Every contract that ships has a suite that runs on a landed table, empty or not."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from expectations.door import door_suite, door_suites
from expectations.ml_outputs import ml_suites
from expectations.results import NO_DATA
from expectations.run import run_suite
from expectations.suites import check_names
from ml.outputs import OUTPUTS
from models.contract import SourceContract
from tests.support import ROOT

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
FILES = sorted((ROOT / "models" / "contracts").glob("*.yml"))
TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "money": pa.decimal128(18, 2),
         "timestamp": pa.timestamp("us", tz="UTC"), "date": pa.date32(), "boolean": pa.bool_(),
         "json_text": pa.string()}  # fmt: skip
GOOD = {"text": "x", "integer": 1, "number": 1.0, "money": 1, "timestamp": AS_OF, "date": AS_OF.date(), "boolean": True,
        "json_text": "[]"}  # fmt: skip
TRACE = {"_source": "s", "_source_file": "f.csv", "_line": 1, "_row_hash": "h", "_batch_id": 1, "_loaded_at": AS_OF}


def contract_of(path: Path) -> SourceContract:
    return SourceContract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def landed(contract: SourceContract, rows: list[dict[str, Any]]) -> pa.Table:
    fields = [pa.field(column.landed, TYPES[column.type]) for column in contract.columns if column.landed]
    fields += [pa.field(contract.names_land_as, pa.string())] if contract.names_land_as else []
    trace = {"_line": pa.int64(), "_batch_id": pa.int64(), "_loaded_at": pa.timestamp("us", tz="UTC")}
    fields += [pa.field(name, trace.get(name, pa.string())) for name in TRACE]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def good_row(contract: SourceContract) -> dict[str, Any]:
    row: dict[str, Any] = {
        column.landed: column.allowed[0]
        if column.allowed
        else max(GOOD[column.type], column.minimum or 1)
        if column.type in ("integer", "number", "money")
        else GOOD[column.type]
        for column in contract.columns
        if column.landed
    }
    return {**row, **TRACE}


def test_there_are_contracts_to_match() -> None:
    assert len(FILES) >= 17


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_suite_of_a_contract_runs_on_no_rows_and_on_a_good_row(path: Path) -> None:
    contract = contract_of(path)
    suite = door_suite(contract)
    assert suite.asset == f"raw_{path.stem}"
    assert {"columns", "complete", "quarantine_share"} <= set(check_names(suite))
    empty = run_suite(suite, landed(contract, []), as_of=AS_OF, numbers={"quarantined": 0})
    assert [(result.name, result.passed, result.note) for result in empty] == [
        (name, True, NO_DATA) for name in check_names(suite)
    ]
    full = run_suite(suite, landed(contract, [good_row(contract)]), as_of=AS_OF, numbers={"quarantined": 0})
    assert [result.name for result in full if not result.passed] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_limit_a_contract_states_is_a_check(path: Path) -> None:
    contract = contract_of(path)
    names = set(check_names(door_suite(contract)))
    for column in contract.columns:
        assert not column.allowed or column.pii != "none" or f"allowed__{column.name}" in names
        assert (column.minimum is None and column.maximum is None) or f"range__{column.name}" in names
    assert {f"scale__{rule.column}" for rule in contract.ranges} <= names
    assert ("redacted" in names) == any(column.pii in ("text", "identity") for column in contract.columns)


def test_all_suites_are_listed_without_great_expectations() -> None:
    suites = {**door_suites(contract_of(path) for path in FILES), **ml_suites()}
    names = [name for suite in suites.values() for name in check_names(suite)]
    assert len(suites) == len(FILES) + len(OUTPUTS)
    # Dagster writes several events per check and run, so their number is kept in hand.
    assert len(names) < 12 * len(suites)
    script = "import sys, expectations.door, expectations.ml_outputs; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
