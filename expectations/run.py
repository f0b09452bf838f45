"""Running a suite: DuckDB computes the measures, Great Expectations judges them, plain results come back.

Belongs here: loading, computing, telling. Not here: what is checked (`suites.py`) and by whom (`engine.py`).

Every row is checked; nothing is sampled. Only the measures of the suite are loaded (numbers, flags and enumerated
codes; free text is reduced to flags inside DuckDB), in blocks of `BLOCK_ROWS`, so memory does not grow with the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.canary import SETUP
from expectations.engine import Tally, judge
from expectations.results import NO_DATA, CheckResult, passed_without_data
from expectations.sql import literal, quoted
from expectations.suites import Check, Suite

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

BLOCK_ROWS = 1_000_000


class SuiteNotRun(RuntimeError):
    """The measures of a suite could not be computed; the message names the suite and the kind of error, no values."""


def run_suite(
    suite: Suite,
    table: pa.Table | Path,
    *,
    as_of: datetime,
    numbers: Mapping[str, float] | None = None,
    sets: Mapping[str, Sequence[str]] | None = None,
    since_batch: int | None = None,
) -> list[CheckResult]:
    """One result per check of the suite, in its order.

    `table` is an Arrow table, a Parquet file or a folder of them (an absent path has no rows). `numbers` and `sets` are
    what the suite names in `suite.numbers` and `suite.sets`. `since_batch` limits the row checks of a batched table to
    batches from that one on; comparisons with earlier batches still see them all. A table without rows passes with the
    note "no data for this stage", except for facts that say something about emptiness (all rows quarantined, texts
    without predictions). Raises `ValueError` for a missing input or a naive `as_of` and `SuiteNotRun`.
    """
    import duckdb

    parameters = _parameters(suite, as_of, numbers or {}, sets or {})
    with duckdb.connect() as connection:
        try:
            absent = _open(connection, suite, table, since_batch)
            return _results(connection, suite, {**parameters, "columns_missing": len(absent)}, sets or {})
        except duckdb.Error as error:
            # Its message may quote a cell, so only its kind is told.
            raise SuiteNotRun(f"suite {suite.asset} could not be computed ({type(error).__name__})") from None


def quarantined_rows(folder: Path, *, since_batch: int | None = None) -> int:
    """Rejected rows (not reasons: a row may have several) in a quarantine folder, from a batch on."""
    import duckdb

    if not any(folder.glob("*.parquet")):
        return 0
    with duckdb.connect() as connection:
        files = ", ".join(literal(str(file)) for file in sorted(folder.glob("*.parquet")))
        counted = connection.execute(
            "SELECT count(DISTINCT (batch_id, file, line)) "
            f"FROM read_parquet([{files}], union_by_name = true) WHERE batch_id >= ?",
            [since_batch or 0],
        ).fetchone()
    return int(counted[0]) if counted else 0


def _parameters(
    suite: Suite, as_of: datetime, numbers: Mapping[str, float], sets: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    lacking = [name for name in suite.numbers if name not in numbers]
    lacking += [name for name in suite.sets if name not in sets]
    if lacking:
        raise ValueError(f"suite {suite.asset} needs {', '.join(lacking)}")
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return {"as_of": as_of, **{name: float(numbers[name]) for name in suite.numbers}}


def _open(
    connection: duckdb.DuckDBPyConnection, suite: Suite, table: pa.Table | Path, since_batch: int | None
) -> list[str]:
    """Create `t` (all rows) and `t_new` (rows to be checked); returns the columns that were not there (null in `t`)."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(SETUP)
    origin = _origin(connection, table)
    there = [str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {origin}").fetchall()] if origin else []
    absent = [column for column in suite.columns if column not in there]
    wanted = [f"NULL::{kind} AS {quoted(c)}" if c in absent else quoted(c) for c, kind in suite.columns.items()]
    source = origin or "(SELECT 1 WHERE false)"
    connection.execute(f"CREATE VIEW t AS SELECT {', '.join(wanted)} FROM {source}")
    newer = f"WHERE _batch_id >= {int(since_batch)}" if suite.batched and since_batch is not None else ""
    connection.execute(f"CREATE VIEW t_new AS SELECT * FROM t {newer}")
    return absent if origin else []


def _origin(connection: duckdb.DuckDBPyConnection, table: pa.Table | Path) -> str | None:
    if not isinstance(table, Path):
        connection.register("given", table)
        return "given"
    files = sorted(table.glob("*.parquet")) if table.is_dir() else [table] if table.is_file() else []
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], union_by_name = true)" if files else None


def _results(
    connection: duckdb.DuckDBPyConnection,
    suite: Suite,
    parameters: Mapping[str, Any],
    sets: Mapping[str, Sequence[str]],
) -> list[CheckResult]:
    rows = _count(connection, "t_new")
    facts = _facts(connection, suite, parameters)
    note = NO_DATA if _count(connection, "t") == 0 else "nothing new in this table"
    live = [c for c in suite.checks if rows > 0 or (c.when_empty and facts[c.measure.name] is not None)]
    tallies = _judge(connection, suite, live, facts, parameters, sets) if live else {}
    return [
        _result(suite.asset, check, tallies[check.name], rows, facts)
        if check.name in tallies
        else passed_without_data(suite.asset, check, note)
        for check in suite.checks
    ]


def _facts(
    connection: duckdb.DuckDBPyConnection, suite: Suite, parameters: Mapping[str, Any]
) -> dict[str, float | None]:
    measures = [check.measure for check in suite.of("facts")]
    if not measures:
        return {}
    columns = ", ".join(f"({m.sql})::DOUBLE AS {quoted(m.name)}" for m in measures)
    row = _execute(connection, f"SELECT {columns}", parameters).fetchone()
    return dict(zip([m.name for m in measures], row or [], strict=True))


def _judge(
    connection: duckdb.DuckDBPyConnection,
    suite: Suite,
    checks: Sequence[Check],
    facts: Mapping[str, float | None],
    parameters: Mapping[str, Any],
    sets: Mapping[str, Sequence[str]],
) -> dict[str, Tally]:
    """Let Great Expectations look at every block of rows and at the facts."""
    import pandas as pd

    tallies = {check.name: Tally() for check in checks}
    by_row = [check for check in checks if check.frame == "rows"]
    of_table = [check for check in checks if check.frame == "facts"]
    look = judge(suite, sets)
    if by_row:
        for block in _blocks(connection, by_row, parameters):
            look(block, by_row, tallies)
            for check in by_row:
                if check.measure.parts:
                    tallies[check.name].count_masks(block[check.measure.name])
    if of_table:
        look(pd.DataFrame({name: [value] for name, value in facts.items()}, dtype="float64"), of_table, tallies)
    return tallies


def _blocks(
    connection: duckdb.DuckDBPyConnection, checks: Sequence[Check], parameters: Mapping[str, Any]
) -> Iterator[pd.DataFrame]:
    measures = {check.measure.name: check.measure.sql for check in checks}
    columns = ", ".join(f"({sql}) AS {quoted(name)}" for name, sql in measures.items())
    reader = _execute(connection, f"SELECT {columns} FROM t_new", parameters).to_arrow_reader(BLOCK_ROWS)
    for batch in reader:
        yield batch.to_pandas()


def _result(asset: str, check: Check, tally: Tally, rows: int, facts: Mapping[str, float | None]) -> CheckResult:
    present = tally.rows - tally.missing
    fact = check.frame == "facts"
    observed = facts[check.measure.name] if fact else None
    unmeasured = fact and observed is None
    return CheckResult(
        asset=asset,
        name=check.name,
        passed=tally.passes(check.mostly),
        severity=check.severity,
        description=check.description,
        expected=check.expected,
        rows=rows,
        missing=0 if fact else tally.missing,
        unexpected_count=tally.unexpected,
        unexpected_percent=round(100.0 * tally.unexpected / present, 4) if present else 0.0,
        observed=observed,
        table=_parts(check, tally.masks),
        note=tally.error or ("too little data to measure" if unmeasured else None),
    )


def _parts(check: Check, masks: Mapping[int, int]) -> tuple[tuple[str, int], ...]:
    """Rows per part at fault, most first."""
    counts = [
        (label, sum(rows for mask, rows in masks.items() if mask >> bit & 1))
        for bit, (label, _) in enumerate(check.measure.parts)
    ]
    return tuple(sorted((part for part in counts if part[1]), key=lambda part: (-part[1], part[0])))


def _execute(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]
) -> duckdb.DuckDBPyConnection:
    return connection.execute(query, {name: value for name, value in parameters.items() if f"${name}" in query})


def _count(connection: duckdb.DuckDBPyConnection, view: str) -> int:
    counted = connection.execute(f"SELECT count(*) FROM {view}").fetchone()
    return int(counted[0]) if counted else 0
