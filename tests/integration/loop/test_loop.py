"""The whole loop on a small synthetic company: what the issue asks to be shown, held as tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tests.integration.loop.conftest import Installation


def _one(installation: Installation, question: str) -> int:
    with duckdb.connect(str(installation.home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(question).fetchone()
    assert found is not None
    return int(found[0])


def test_every_stage_leaves_something_real(installation: Installation) -> None:
    assert _one(installation, "select count(*) from int_signal") > 500
    assert _one(installation, "select count(*) from fct_signal where model_cause_id is not null") > 100
    assert _one(installation, "select count(*) from fct_trigger") > 20
    assert _one(installation, "select count(*) from fct_case") > 20
    assert _one(installation, "select count(*) from fct_case_outcome where is_recovered is not null") > 5


def test_a_second_run_opens_nothing_and_changes_no_table(installation: Installation) -> None:
    before = installation.json("publish", "--hashes")["hashes"]
    cases = _one(installation, "select count(*) from fct_case")
    again = installation.json("run")
    assert again["ok"]
    assert "0 opened" in again["stages"]["route"]["note"] or again["stages"]["route"]["note"] == "no triggers"
    assert installation.json("publish", "--hashes")["hashes"] == before
    assert _one(installation, "select count(*) from fct_case") == cases


def test_every_trigger_has_exactly_one_case(installation: Installation) -> None:
    unmatched = """
        select count(*) from fct_trigger
        left join stg_ledger__case_trigger using (trigger_id)
        where stg_ledger__case_trigger.case_id is null
    """
    assert _one(installation, unmatched) == 0
    doubled = "select count(*) - count(distinct trigger_id) from stg_ledger__case_trigger"
    assert _one(installation, doubled) == 0


def test_a_case_walks_back_to_its_raw_row_model_and_run(installation: Installation) -> None:
    cases = installation.json("case", "list", "--limit", "200")["cases"]
    case = next(c for c in cases if c["subject_type"] == "customer")
    walk = installation.json("case", "explain", case["case_id"])
    step = walk["triggers"][0]
    assert step["rule"]["id"] and step["rule"]["hash"]
    assert step["signal"]["signal_id"]
    assert step["raw_row"]["file"] and step["raw_row"]["line"] >= 1
    assert step["dagster_run_id"]
    assert step["model"]["topic_model_id"]


def test_nothing_outside_this_machine_is_looked_up(installation: Installation) -> None:
    seen = installation.lookups.read_text(encoding="utf-8") if installation.lookups.exists() else ""
    assert seen == ""


def test_the_doctor_finds_nothing_wrong_after_a_run(installation: Installation) -> None:
    report = installation.json("doctor")
    assert report["ok"] is True, [check for check in report["checks"] if not check["ok"]]
    assert report["versions"]["dagster"]
    assert Path(report["stores"]["warehouse"]).exists()


def test_no_planted_personal_datum_is_found_in_any_store_outside_the_vault(installation: Installation) -> None:
    spans = pq.read_table(installation.truth / "pii_span.parquet").to_pylist()
    planted = {s["value"].encode() for s in spans if s["kind"] in ("email", "card", "iban") and len(s["value"]) >= 12}
    assert len(planted) > 20
    skipped = {"vault", "inbox", "world"}
    found = []
    for path in installation.home.rglob("*"):
        if not path.is_file() or skipped & set(path.relative_to(installation.home).parts):
            continue
        body = _readable_bytes(path)
        found += [f"{path.relative_to(installation.home)}" for value in planted if value in body]
    assert found == []


def _readable_bytes(path: Path) -> bytes:
    """Parquet and DuckDB compress, so their text is read as rows; everything else as it lies on disk."""
    if path.suffix == ".parquet":
        return json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = [
                row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()
            ]
            rows = [connection.execute(f'select * from "{name}"').fetchall() for name in tables]
        return json.dumps(rows, default=str, ensure_ascii=False).encode()
    return path.read_bytes()


def test_a_refit_is_done_though_nothing_new_came_in_and_the_gate_is_asked(installation: Installation) -> None:
    def kinds() -> dict[str, dict[str, Any]]:
        return {row["kind"]: row for row in installation.json("models", "list")["models"]}

    before = kinds()
    assert before["root-cause"]["last_decision"]["action"] == "promoted"
    assert installation.json("run", "--refit")["ok"]
    after = kinds()
    assert after["topics"]["saved"] > before["topics"]["saved"]
    # On the same texts nothing can be shown to be better.
    assert after["root-cause"]["last_decision"]["action"] == "kept"
    assert after["root-cause"]["active"] == before["root-cause"]["active"]
