"""What just arrived, brought into the shape of the warehouse in memory: the SQL is dbt's, the folders hold the delta alone.

Belongs here: laying out a delta's folders and running the compiled statements over them. Not here: the SQL (`compiled.py`),
what models say of the rows (`models.py`), or rules (`deciding.py`). Customers are as the batch lane knew
them last.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from fast_lane.compiled import FOLDERS, Statement, Statements
from intake.contracts import load_contracts
from intake.landing import SCHEMA_FILE
from intake.registry import Delivery
from ml.outputs import write_output
from models.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EARLIER = "earlier.parquet"
_PREDICTION, _TOPIC = "ml_root_cause__prediction", "ml_root_cause__topic"
_CUSTOMERS, _VERSIONS = "dim_customer", "stg_crm__customer_version"
# What comes may be about a matter that came before: (entity, its key) <- (entity that refers to it, by which column).
_MATTERS = {
    ("zendesk__ticket", "ticket_id"): (
        ("zendesk__ticket_comment", "ticket_id"),
        ("qualtrics__response", "related_id"),
        ("escalations__escalation", "ticket_id"),
        ("qa__audit", "ticket_id"),
    ),
    ("complaints__complaint", "complaint_id"): (
        ("qualtrics__response", "related_id"),
        ("escalations__escalation", "complaint_id"),
    ),
}


@dataclass(frozen=True)
class Delta:
    """Rows of some deliveries in memory. `signals` has the columns of the hand-over `int_signal`."""

    folder: Path
    signals: pa.Table
    _connection: DuckDBPyConnection
    _rest: Sequence[tuple[Statement, str]]
    _batches: tuple[int, ...]

    def judged(self, prediction: pa.Table) -> pa.Table:
        """The same signals as `fct_signal` has them, once `prediction` (rows of ml_root_cause__prediction) is known."""
        write_output(self.folder / "ml_outputs", _PREDICTION, prediction)
        for statement, query in self._rest:
            _make(self._connection, statement, query)
        return _only(self._connection, "fct_signal", self._batches)


@contextmanager
def opened(settings: Settings, compiled: Statements, deliveries: Sequence[Delivery]) -> Iterator[Delta]:
    """The rows of `deliveries`; the batch lane must have handed over its customers once."""
    import duckdb

    folder = _laid_out(settings, deliveries)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("set TimeZone = 'UTC'")
        _bring_matters(connection, settings, folder)
        places = _places(settings, folder)
        ready, rest = _split(compiled.nodes, places)
        for statement, query in ready:
            _make(connection, statement, query)
        _customers(connection, settings)
        batches = tuple(delivery.batch_id for delivery in deliveries)
        yield Delta(folder, _only(connection, f"({compiled.evidence})", batches), connection, rest, batches)
    finally:
        connection.close()
        shutil.rmtree(folder, ignore_errors=True)


def _split(
    nodes: Sequence[Statement], places: dict[str, str]
) -> tuple[list[tuple[Statement, str]], list[tuple[Statement, str]]]:
    """Statements that can run at once, and those that wait for predictions; customers come from elsewhere."""
    ready: list[tuple[Statement, str]] = []
    rest: list[tuple[Statement, str]] = []
    for node in nodes:
        if node.name in (_CUSTOMERS, _VERSIONS):
            continue
        query = node.query
        for placeholder, path in places.items():
            query = query.replace(placeholder, path)
        waits = FOLDERS["AMENDS_ML_OUTPUTS"] in node.query or node.name == "fct_signal"
        (rest if waits else ready).append((node, query))
    return ready, rest


def _make(connection: DuckDBPyConnection, statement: Statement, query: str) -> None:
    kind = "view" if statement.is_view else "table"
    connection.execute(f'create {kind} "{statement.name}" as {query}')


def _only(connection: DuckDBPyConnection, relation: str, batches: Sequence[int]) -> pa.Table:
    """The rows that came with these deliveries, without the older matters they are about."""
    question = f"select * from {relation} where list_contains($batches, _batch_id) order by signal_id"
    return connection.execute(question, {"batches": list(batches)}).to_arrow_table()


def _bring_matters(connection: DuckDBPyConnection, settings: Settings, folder: Path) -> None:
    """Put the tickets and complaints that the new rows refer to beside them, from all that ever landed."""
    for (entity, key), references in _MATTERS.items():
        came = [(other, column) for other, column in references if _has_rows(folder, other)]
        if not came:
            continue
        wanted = " union ".join(
            f"select {column} from read_parquet('{folder}/landing/{other}/*.parquet')" for other, column in came
        )
        connection.execute(
            f"copy (select * from read_parquet('{settings.landing}/{entity}/*.parquet', union_by_name=true) "
            f"where {key} in ({wanted})) to '{folder}/landing/{entity}/{_EARLIER}' (format parquet)"
        )


def _has_rows(folder: Path, entity: str) -> bool:
    return any(path.name != SCHEMA_FILE for path in (folder / "landing" / entity).iterdir())


def _customers(connection: DuckDBPyConnection, settings: Settings) -> None:
    """The customers that any of the new signals is from, as the batch lane knew them last."""
    connection.execute(
        "create table dim_customer as select * from read_parquet($file) "
        "where customer_id in (select distinct customer_id from int_signal)",
        {"file": str(settings.handoff / f"{_CUSTOMERS}.parquet")},
    )


def _places(settings: Settings, folder: Path) -> dict[str, str]:
    """What stands for each placeholder: the delta's own folders, or the stores themselves."""
    own = {
        "AMENDS_LANDING": folder / "landing",
        "AMENDS_HANDOFF": folder / "handoff",
        "AMENDS_ML_OUTPUTS": folder / "ml_outputs",
        "AMENDS_PROGRAMME_TABLES": settings.programme_tables,
        "AMENDS_LEDGER_EXPORT": settings.ledger_export,
    }
    return {placeholder: str(own[name]) for name, placeholder in FOLDERS.items()}


def _laid_out(settings: Settings, deliveries: Sequence[Delivery]) -> Path:
    """A folder that looks like a home into which only `deliveries` ever came; links, no copies."""
    settings.fast_lane.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".delta-", dir=settings.fast_lane))
    for contract in load_contracts().values():
        entity = folder / "landing" / contract.name
        entity.mkdir(parents=True)
        (entity / SCHEMA_FILE).symlink_to(settings.landing / contract.name / SCHEMA_FILE)
    for delivery in deliveries:
        name = f"{delivery.source}__{delivery.entity}"
        file = f"{delivery.stem}.parquet"
        (folder / "landing" / name / file).symlink_to(settings.landing / name / file)
    (folder / "handoff").mkdir()
    (folder / "ml_outputs").mkdir()
    topics = settings.ml_outputs / f"{_TOPIC}.parquet"
    (folder / "ml_outputs" / topics.name).symlink_to(topics)
    return folder
