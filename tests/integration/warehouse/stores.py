"""A throw-away installation for warehouse tests: landing files in the agreed shape, and dbt run over them in process.

Belongs here: writing input stores and running dbt. Not here: what a table must contain (the tests say that).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests.support import ROOT

PROJECT = ROOT / "dbt_project"
AS_OF = "2025-06-30 00:00:00"
Row = Mapping[str, Any]


@cache
def declared_sources() -> dict[str, dict[str, dict[str, str]]]:
    """Source -> table -> column -> type, as the project declares what it reads."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in sorted(PROJECT.glob("models/**/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]:
            found[source["name"]] = {
                table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
                for table in source["tables"]
            }
    return found


@dataclass
class Stores:
    """Input folders, warehouse file and a parsed project under one folder."""

    home: Path
    _manifest: Any = field(default=None, repr=False)

    @property
    def env(self) -> dict[str, str]:
        """The variables the dbt project reads."""
        names = ("landing", "handoff", "ml_outputs", "programme_tables", "ledger_export")
        return {
            "AMENDS_WAREHOUSE": str(self.home / "warehouse.duckdb"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            **{f"AMENDS_{name.upper()}": str(self.home / name) for name in names},
        }

    def clear(self) -> None:
        """Back to an installation that has heard nothing: every source is there, with zero rows."""
        for name in ("landing", "handoff", "ml_outputs", "programme_tables", "ledger_export"):
            shutil.rmtree(self.home / name, ignore_errors=True)
            (self.home / name).mkdir(parents=True)
        self.forget_warehouse()
        for source, tables in declared_sources().items():
            for table in tables:
                self._write(self._place(source, table), source, table, [])

    def forget_warehouse(self) -> None:
        """Delete the warehouse, so that the next build is a full refresh."""
        for path in self.home.glob("warehouse.duckdb*"):
            path.unlink()

    def land(self, entity: str, rows: Iterable[Row], *, batch: int) -> None:
        """One accepted delivery of `<source>__<entity>`; absent columns are null."""
        source, table = entity.split("__", 1)
        file = f"{batch:04d}-{md5(repr((entity, batch)).encode(), usedforsecurity=False).hexdigest()[:12]}.parquet"
        delivered = [
            {
                "_source": source,
                "_source_file": f"{entity}-{batch}.csv",
                "_line": number + 2,
                "_row_hash": md5(repr(sorted(row.items())).encode(), usedforsecurity=False).hexdigest(),
                "_batch_id": batch,
                "_loaded_at": datetime(2025, 1, 1, tzinfo=UTC),
                **row,
            }
            for number, row in enumerate(rows)
        ]
        self._write(self.home / "landing" / entity / file, source, table, delivered)

    def put(self, source: str, table: str, rows: Iterable[Row]) -> None:
        """Replace a table of the programme, of the models or of the ledger."""
        place = self._place(source, table)
        target = place.with_name("0-1.parquet") if source == "ledger" else place
        self._write(target, source, table, list(rows))

    def build(self, *select: str, as_of: str = AS_OF, unit_tests: bool = False) -> list[Any]:
        """Run and test the selected nodes (all when none are named). Raises AssertionError naming what failed."""
        return self._invoke("build", select, as_of, [] if unit_tests else ["--exclude-resource-type", "unit_test"])

    def grow(self, *select: str) -> list[Any]:
        """Run the selected models without testing them, as a step on the way to a table that is compared."""
        return self._invoke("run", select, AS_OF, [])

    def compiled(self, *select: str, as_of: str = AS_OF) -> list[str]:
        """SQL of the selected models as it would run; needs no table to exist."""
        results = self._invoke("compile", select, as_of, [])
        return [r.node.compiled_code for r in results if r.node.resource_type == "model"]

    def _invoke(self, command: str, select: tuple[str, ...], as_of: str, extra: list[str]) -> list[Any]:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        args = [command, *self._flags(), "--vars", json.dumps({"as_of": as_of}), *extra]
        args += ["--select", *select] if select else []
        try:
            with self.environment():
                outcome = self._runner().invoke(args)
        finally:
            # dbt keeps the file open for the life of the process; the test wants to read it and to delete it.
            DuckDBConnectionManager.close_all_connections()
        results = list(getattr(outcome.result, "results", None) or [])
        bad = [
            f"{r.node.name}: {r.status} {r.message}" for r in results if r.status in ("error", "fail", "runtime error")
        ]
        assert outcome.success, "\n".join(bad) or str(outcome.exception)
        return results

    def rows(self, question: str) -> list[dict[str, Any]]:
        """Answer of the warehouse to one query."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            cursor = connection.execute(question)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, question: str) -> dict[str, Any]:
        """The only row of an answer."""
        (row,) = self.rows(question)
        return row

    def content(self, table: str) -> list[tuple[Any, ...]]:
        """Every row of a table, in an order of its own."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(f"select * from {table} order by all").fetchall()

    @contextmanager
    def environment(self) -> Iterator[None]:
        """The project's variables, for as long as dbt runs."""
        before = dict(os.environ)
        os.environ.pop("AMENDS_WAREHOUSE_AS_OF", None)
        os.environ.update(self.env)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _runner(self) -> Any:
        from dbt.cli.main import dbtRunner

        if self._manifest is None:
            parsed = dbtRunner().invoke(["parse", *self._flags()])
            assert parsed.success, parsed.exception
            self._manifest = parsed.result
        # A copy, because a build writes what it compiled into the nodes and the next build would find it there.
        return dbtRunner(manifest=self._manifest.deepcopy())

    def _flags(self) -> list[str]:
        target = str(self.home / "target")
        return [
            "--quiet", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", target, "--log-path", target,
        ]  # fmt: skip

    def _place(self, source: str, table: str) -> Path:
        if source in ("ml", "programme"):
            return self.home / ("ml_outputs" if source == "ml" else "programme_tables") / f"{table}.parquet"
        if source == "ledger":
            return self.home / "ledger_export" / table / "_schema.parquet"
        return self.home / "landing" / f"{source}__{table}" / "_schema.parquet"

    def _write(self, path: Path, source: str, table: str, rows: list[Row]) -> None:
        columns = declared_sources()[source][table]
        unknown = {name for row in rows for name in row} - set(columns)
        assert not unknown, f"{source}.{table} has no column {sorted(unknown)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            shape = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"create table delivery ({shape})")
            if rows:
                marks = ", ".join("?" for _ in columns)
                connection.executemany(
                    f"insert into delivery values ({marks})", [[row.get(name) for name in columns] for row in rows]
                )
            connection.execute(f"copy delivery to '{path}' (format parquet)")
