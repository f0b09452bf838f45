"""The truth tables: what really is, written beside the sources in a folder of its own that no other room may read.

Belongs here: their schemas and the writer. Not here: how the values come about. Tables grow by row groups, so a large
world never holds one in memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_TIME = pa.timestamp("us", tz="UTC")
_TEXT, _INT, _REAL, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


_SPAN = _schema(source=_TEXT, entity=_TEXT, key=_TEXT, column=_TEXT, kind=_TEXT, start=_INT, end=_INT, value=_TEXT)
SCHEMAS: dict[str, pa.Schema] = {
    "customer": _schema(
        customer_id=_TEXT,
        segment=_TEXT,
        tier=_TEXT,
        annual_value_usd=_REAL,
        region=_TEXT,
        branch_id=_TEXT,
        language=_TEXT,
        joined_at=_TIME,
        satisfaction=_REAL,
        failure_rate=_REAL,
        orders_per_month=_REAL,
        is_vulnerable=_BOOL,
        left_at=_TIME,
    ),
    "employee": _schema(employee_id=_TEXT, role=_TEXT, region=_TEXT, skill_logit=_REAL, moved_team=_BOOL),
    "failure": _schema(
        failure_id=_TEXT,
        customer_id=_TEXT,
        cause=_TEXT,
        severity=_INT,
        region=_TEXT,
        branch_id=_TEXT,
        product=_TEXT,
        occurred_at=_TIME,
        breakdown_id=_TEXT,
        was_reported=_BOOL,
    ),
    "assignment": _schema(
        subject_type=_TEXT,
        subject_id=_TEXT,
        customer_id=_TEXT,
        failure_id=_TEXT,
        cause=_TEXT,
        severity=_INT,
        contacted_at=_TIME,
        assigned_at=_TIME,
        wait_hours=_REAL,
        owner_id=_TEXT,
        arm=_TEXT,
        eligible=pa.list_(_TEXT),
        p_apology=_REAL,
        p_callback=_REAL,
        p_refund=_REAL,
        p_specialist=_REAL,
        p_none=_REAL,
        recovered=_BOOL,
        retained_90d=_BOOL,
        margin_90d_usd=_REAL,
        offer_usd=_REAL,
        is_mature=_BOOL,
    ),
    "potential_outcome": _schema(
        subject_type=_TEXT,
        subject_id=_TEXT,
        arm=_TEXT,
        recovery_probability=_REAL,
        recovered=_BOOL,
        retained_90d=_BOOL,
        margin_90d_usd=_REAL,
        offer_usd=_REAL,
        handling_minutes=_REAL,
        resolved_at=_TIME,
    ),
    "recontact": _schema(
        subject_type=_TEXT, subject_id=_TEXT, customer_id=_TEXT, recontacted_at=_TIME, ticket_id=_TEXT, is_reopen=_BOOL
    ),
    "survey_propensity": _schema(
        invitation_id=_TEXT,
        survey_id=_TEXT,
        customer_id=_TEXT,
        subject_id=_TEXT,
        channel=_TEXT,
        sent_at=_TIME,
        would_score=_INT,
        propensity=_REAL,
        responded=_BOOL,
    ),
    "text_truth": _schema(
        source=_TEXT,
        entity=_TEXT,
        key=_TEXT,
        column=_TEXT,
        causes=pa.list_(_TEXT),
        denied_cause=_TEXT,
        language=_TEXT,
        is_sarcastic=_BOOL,
        is_multi_issue=_BOOL,
        is_vague=_BOOL,
        is_misspelt=_BOOL,
        tone=_TEXT,
        author=_TEXT,
        customer_id=_TEXT,
    ),
    "pii_span": _SPAN,
    "pii_decoy": _SPAN,
    "planted_fault": _schema(source=_TEXT, entity=_TEXT, file=_TEXT, line=_INT, column=_TEXT, reason=_TEXT, key=_TEXT),
    "breakdown": _schema(
        breakdown_id=_TEXT,
        kind=_TEXT,
        cause=_TEXT,
        region=_TEXT,
        started_at=_TIME,
        ended_at=_TIME,
        size=_REAL,
        unit=_TEXT,
        realised=_REAL,
    ),
    "delivery": _schema(source=_TEXT, entity=_TEXT, kind=_TEXT, key=_TEXT, file=_TEXT, month=_TEXT),
    "miscoded": _schema(source=_TEXT, entity=_TEXT, key=_TEXT, column=_TEXT, written=_TEXT, true_cause=_TEXT),
}


class TruthStore:
    """Writes truth tables by row groups; use as a context manager. Every table of SCHEMAS exists afterwards, if empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = dict.fromkeys(SCHEMAS, 0)
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> TruthStore:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, schema in SCHEMAS.items():
            self._writers[name] = pq.ParquetWriter(self.folder / f"{name}.parquet", schema, compression="zstd")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, name: str, columns: dict[str, pa.Array | list[object]]) -> None:
        """Append rows to a table; columns must be exactly those of its schema (KeyError or ArrowInvalid otherwise)."""
        schema = SCHEMAS[name]
        arrays = [_typed(columns[f.name], f.type) for f in schema]
        table = pa.Table.from_arrays(arrays, schema=schema)
        if table.num_rows:
            self._writers[name].write_table(table)
            self.rows[name] += table.num_rows


def _typed(values: Any, kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind) if isinstance(values, list) else values.cast(kind)


def write_manifest(folder: Path, facts: dict[str, object]) -> None:
    """The world's manifest: its arguments, and row counts per file. Sorted keys, so equal worlds have equal bytes."""
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
