"""Our Great Expectations adapter against the stock way, on the same 200,000 landed complaints and the same questions.

Ours: `expectations.run.run_suite` on the Parquet file (DuckDB reduces rows to flags and codes, Great Expectations
judges those, results are counts). Stock: pandas reads the file, one Great Expectations checkpoint with native
expectations (null, set, maximum, regular expression) and result format COMPLETE. Importing the library is left out of
both. Guard: both count the same planted faults, ours tells no planted text. Run: `python -m benchmarks.checks`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import child, finish, interleave, ratio

ROWS = 200_000
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
CONTRACT = Path(__file__).parents[1] / "models" / "contracts" / "complaints__complaint.yml"
CANARY = "ann.canary@mail.example"
EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
PHONE = r"(?:\+\d{1,3}[ .-]?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,3}|\(?[2-9]\d{2}\)?[ .-]\d{3}[.-]\d{4})"
CARD = r"\b[3-6](?:[ -]?\d){12,18}\b"


def write_table(path: Path, rows: int) -> None:
    """Landed complaints with planted faults: every 1,000th row has one of eight, in turn."""
    import duckdb

    filler = "The branch kept me waiting and nobody could say why the fee was taken twice. " * 4
    fault = "CASE WHEN i % 1000 = 0 THEN (i // 1000) % 8 ELSE -1 END"
    late = (AS_OF + timedelta(days=30)).isoformat()
    duckdb.execute(f"""
        COPY (
            SELECT 'C' || i AS complaint_id,
                CASE f WHEN 0 THEN NULL WHEN 1 THEN TIMESTAMPTZ '{late}'
                    ELSE TIMESTAMPTZ '2023-01-01 00:00:00+00' + to_minutes(i % 500000) END AS received_at,
                'K' || i % 4000 AS customer_id,
                CASE f WHEN 2 THEN 'fax' ELSE ['phone', 'email', 'web', 'branch'][1 + i % 4] END AS channel,
                CASE f WHEN 3 THEN NULL ELSE 'current account' END AS product,
                NULL::VARCHAR AS branch_id, 'north' AS region, 'FEE-01' AS category,
                '{filler}' || i || CASE f WHEN 4 THEN ' write to {CANARY}' WHEN 5 THEN ' call (212) 555-0187'
                    WHEN 6 THEN ' card 4111 1111 1111 1111' ELSE '' END AS description,
                0::BIGINT AS description_redactions,
                CASE f WHEN 7 THEN 'lost' ELSE 'open' END AS status, NULL::TIMESTAMPTZ AS closed_at,
                TIMESTAMPTZ '2024-01-01 00:00:00+00' AS updated_at, 'complaints' AS _source, 'a.csv' AS _source_file,
                i AS _line, md5(i::VARCHAR) AS _row_hash, 1 AS _batch_id, TIMESTAMPTZ '2024-06-01 00:00:00+00' AS _loaded_at
            FROM (SELECT i, {fault} AS f FROM range({rows}) t(i))
        ) TO '{path}' (FORMAT parquet)""")


def ours(path: Path) -> list[Any]:
    """Our adapter with the suite generated from the contract."""
    import yaml

    from expectations.door import door_suite
    from expectations.run import run_suite
    from models.contract import SourceContract

    contract = SourceContract.model_validate(yaml.safe_load(CONTRACT.read_text(encoding="utf-8")))
    return run_suite(door_suite(contract), path, as_of=AS_OF, numbers={"quarantined": 0})


def stock(path: Path) -> list[dict[str, Any]]:
    """A checkpoint as the library's own guide writes it, asked the same of the same columns."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("complaints")
    suite = context.suites.add(gx.ExpectationSuite(name="complaints", expectations=_native(gx.expectations)))
    definition = gx.ValidationDefinition(
        name="complaints", data=asset.add_batch_definition_whole_dataframe("all"), suite=suite
    )
    checkpoint = gx.Checkpoint(
        name="complaints",
        validation_definitions=[context.validation_definitions.add(definition)],
        result_format={"result_format": "COMPLETE"},
    )
    result = checkpoint.run(batch_parameters={"dataframe": pd.read_parquet(path)})
    return [one.to_json_dict() for run in result.run_results.values() for one in run.results]


def _native(expectations: Any) -> list[Any]:
    required = ("complaint_id", "received_at", "channel", "product", "description", "status", "updated_at")
    traced = ("_source", "_source_file", "_line", "_row_hash", "_batch_id", "_loaded_at")
    latest = (AS_OF + timedelta(days=2)).isoformat()
    return [
        *(expectations.ExpectColumnToExist(column=name) for name in ("customer_id", "region", "category", "closed_at")),
        *(expectations.ExpectColumnValuesToNotBeNull(column=name) for name in (*required, *traced)),
        expectations.ExpectColumnValuesToBeInSet(
            column="channel", value_set=["phone", "email", "web", "branch", "social", "letter"]
        ),
        expectations.ExpectColumnValuesToBeInSet(column="status", value_set=["open", "closed"]),
        *(expectations.ExpectColumnValuesToBeBetween(column=name, max_value=latest)
          for name in ("received_at", "closed_at", "updated_at")),
        *(expectations.ExpectColumnValuesToNotMatchRegex(column="description", regex=regex)
          for regex in (EMAIL, PHONE, CARD)),
    ]  # fmt: skip


def faults_ours(results: list[Any]) -> dict[str, int]:
    """Planted faults found, by question."""
    by_name = {result.name: result for result in results}
    missing, texts = dict(by_name["complete"].table), dict(by_name["redacted"].table)
    return {
        **{name: missing.get(name, 0) for name in ("received_at", "product")},
        "future": by_name["not_in_future"].unexpected_count,
        **{name: by_name[f"allowed__{name}"].unexpected_count for name in ("channel", "status")},
        **{kind: texts.get(f"description: {kind}", 0) for kind in ("email", "phone", "card")},
    }


def faults_stock(results: list[dict[str, Any]]) -> dict[str, int]:
    """The same, read from the native results."""
    names = {EMAIL: "email", PHONE: "phone", CARD: "card"}
    found = {}
    for one in results:
        config, count = one["expectation_config"], one["result"].get("unexpected_count", 0)
        question = names.get(config["kwargs"].get("regex", ""), config["kwargs"]["column"])
        if config["type"] == "expect_column_values_to_be_between":
            question = "future" if config["kwargs"]["column"] == "received_at" else "other times"
        if count:
            found[question] = count
    return found


def main() -> None:
    """Compare, print, and end with the closing line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--arm", choices=["ours", "stock"], help="run one arm once, on --table (used to measure memory)"
    )
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.arm:
        {"ours": ours, "stock": stock}[options.arm](options.table)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "complaints.parquet"
        write_table(path, options.rows)
        compare(path, options.rows, options.rounds)


def compare(path: Path, rows: int, rounds: int) -> None:
    """Measure both arms on one file and print the outcome."""
    print(__doc__)
    runs = interleave({"ours": lambda: ours(path), "stock": lambda: stock(path)}, rounds=rounds)
    peaks = {arm: child(["-m", "benchmarks.checks", "--arm", arm, "--table", str(path)]).peak_mb for arm in runs}
    for arm, measured in runs.items():
        print(measured.line(), f"peak {peaks[arm]:6.0f} MB", flush=True)
    mine, theirs = faults_ours(runs["ours"].result), faults_stock(runs["stock"].result)
    print(f"  faults found by ours  {mine}\n  faults found by stock {theirs}")
    told_ours = json.dumps([dataclasses.asdict(one) for one in runs["ours"].result], default=str).count(CANARY)
    told_stock = json.dumps(runs["stock"].result, default=str).count(CANARY)
    finish("checks", ratio(runs["stock"].cpu, runs["ours"].cpu), guard=mine == theirs and told_ours == 0, rows=rows,
           ours_cpu_s=runs["ours"].cpu, stock_cpu_s=runs["stock"].cpu, ours_peak_mb=peaks["ours"],
           stock_peak_mb=peaks["stock"], faults=sum(mine.values()), texts_told_ours=told_ours,
           texts_told_stock=told_stock)  # fmt: skip


if __name__ == "__main__":
    main()
