"""What the lane decided, kept until the batch lane has looked at the same rows: signals seen, triggers found, and when.

Belongs here: writing and reading those files, and which deliveries are still to be done. Not here: comparing with the batch
lane (`agreement.py`). One pair of files per step, named by its newest delivery, each whole or not there; a step that died
before it wrote them is done again, and the ledger knows what of it was done.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from intake.registry import Delivery, reading
from ml.outputs import TRIGGER
from models.settings import Settings

_UTC = pa.timestamp("us", tz="UTC")
# One row per signal that went through the lane and trigger it set off; without one the trigger's columns are null.
DECISION = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        ("batch_id", pa.int64()),
        ("signal_id", pa.string()),
        ("trigger_id", pa.string()),
        ("rule_id", pa.string()),
        ("rule_hash", pa.string()),
        ("severity", pa.int64()),
        ("cause_id", pa.string()),
        ("occurred_at", _UTC),
        ("arrived_at", _UTC),
        ("decided_at", _UTC),
    ]
)


def due(settings: Settings, since: int) -> list[Delivery]:
    """Deliveries with rows that came after batch `since` and after the newest one decided here, oldest first."""
    mark = max([since, *(int(path.stem) for path in _files(settings, "decisions"))])
    with reading(settings.intake_db) as registry:
        return [d for d in registry.deliveries() if d.batch_id > mark and d.loaded > 0]


def pass_by(settings: Settings, batch_id: int) -> None:
    """Leave a delivery to the batch lane."""
    _write(_folder(settings, "decisions") / f"{batch_id}.parquet", DECISION.empty_table())


def write(settings: Settings, batch_id: int, signals: pa.Table, decisions: pa.Table) -> None:
    """Keep one step. The decisions come last: with them the step is done."""
    _write(_folder(settings, "signals") / f"{batch_id}.parquet", signals)
    _write(_folder(settings, "decisions") / f"{batch_id}.parquet", decisions.cast(DECISION))


def decisions_of(
    judged: pa.Table, triggers: pa.Table, arrived: Sequence[tuple[int, datetime]], decided_at: datetime
) -> pa.Table:
    """Decision rows of one step: of every signal, what it set off. `arrived` tells when each delivery came."""
    came = dict(arrived)
    found: dict[str, list[dict[str, object]]] = {}
    for row in triggers.select([n for n in DECISION.names if n in TRIGGER.names]).to_pylist():
        found.setdefault(row["signal_id"], []).append(row)
    rows = []
    for signal in judged.select(["signal_id", "_batch_id", "cause_id", "severity", "occurred_at"]).to_pylist():
        for trigger in found.get(signal["signal_id"], [{}]):
            rows.append(
                {
                    **{name: signal.get(name) for name in ("signal_id", "cause_id", "severity")},
                    **trigger,
                    "decision_id": str(trigger.get("trigger_id") or signal["signal_id"]),
                    "batch_id": signal["_batch_id"],
                    "occurred_at": signal["occurred_at"],
                    "arrived_at": came.get(signal["_batch_id"]),
                    "decided_at": decided_at,
                }
            )
    return pa.Table.from_pylist(rows, schema=DECISION)


def decisions(settings: Settings) -> pa.Table:
    """Every decision the batch lane has not confirmed or contradicted yet."""
    return _read(_files(settings, "decisions"), DECISION)


def signals_since(settings: Settings) -> list[Path]:
    """Files with the signals of those decisions, oldest first: history the snapshot does not have yet."""
    return _files(settings, "signals")


def forget(settings: Settings, up_to: int) -> None:
    """Drop the steps up to a delivery, which the batch lane has seen; decisions last, so that no step is done twice."""
    for name in ("signals", "decisions"):
        for path in _files(settings, name):
            if int(path.stem) <= up_to:
                path.unlink()


def _folder(settings: Settings, name: str) -> Path:
    return settings.fast_lane / name


def _files(settings: Settings, name: str) -> list[Path]:
    return sorted(_folder(settings, name).glob("*.parquet"), key=lambda path: int(path.stem))


def _read(files: Sequence[Path], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(pq.read_table(path, schema=schema) for path in files)])


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.tmp")
    with fresh.open("wb") as out:
        pq.write_table(table, out, compression="zstd")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
