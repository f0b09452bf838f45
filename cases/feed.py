"""From hand-over files to facts: what the warehouse and the trigger rules left as Parquet, in the ledger's own words.

Belongs here: reading and joining the hand-overs. Not here: what a fact does to a case (`cases.services`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.facts import AffectedFact, ResolutionFact, TriggerFact

TRIGGERS = "ml_detection__trigger.parquet"
AFFECTED = "ml_detection__affected.parquet"
DETECTION = "ml_detection__trigger.json"
# By which way a trigger came to the ledger; the fast lane says its own name.
BATCH_LANE = "batch"

# One row per trigger with the raw row its signal came from; a trigger about a theme has no signal and so no raw row.
_TRIGGERS = """
    select
        triggers.*,
        signals.entity as signal_entity,
        signals.source_key,
        signals.related_type,
        signals.related_id,
        signals.source as signal_source,
        signals._source_file as source_file,
        signals._line as line,
        signals._row_hash as row_hash,
        signals._batch_id as batch_id,
        predictions.model_id,
        predictions.topic_model_id
    from read_parquet($triggers) as triggers
    left join read_parquet($signals) as signals using (signal_id)
    left join read_parquet($predictions) as predictions using (signal_id)
    order by triggers.occurred_at, triggers.trigger_id
    limit $count offset $start
"""

_RESOLUTIONS = (
    "select * from read_parquet($resolutions) where resolved_at is not null order by resolved_at, resolution_id"
)

_TRIGGER_FIELDS = (
    "trigger_id", "rule_id", "rule_hash", "kind", "subject_type", "subject_id", "severity", "signal_id", "customer_id",
    "journey", "cause_id", "theme_id", "segment", "region", "branch_id", "source", "dedupe_days", "is_historic",
    "evidence",
)  # fmt: skip
_RESOLUTION_FIELDS = (
    "resolution_id", "subject_type", "subject_id", "outcome", "customer_id", "playbook_code", "owner_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detection:
    """One finished detection: `token` names it, `total` counts its triggers, `run_id` is the run that made it.

    `as_of` is its reporting instant and `last_batch` the newest delivery it surely saw; None where an earlier version of
    the loop left them out.
    """

    token: str
    total: int
    run_id: str | None
    as_of: datetime | None = None
    last_batch: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A slice of triggers and all resolutions, in the order the ledger takes them."""

    triggers: tuple[TriggerFact, ...]
    resolutions: tuple[ResolutionFact, ...]


def newest_detection(ml_outputs: Path) -> Detection | None:
    """The newest detection, or None before the first one."""
    note = ml_outputs / DETECTION
    if not note.exists():
        return None
    found = json.loads(note.read_text(encoding="utf-8"))
    as_of, batch = found.get("as_of"), found.get("last_batch")
    return Detection(
        token=found["token"],
        total=int(found["triggers"]),
        run_id=found.get("dagster_run_id"),
        as_of=None if as_of is None else _utc(datetime.fromisoformat(as_of)),
        last_batch=None if batch is None else int(batch),
    )


def write_detection(
    ml_outputs: Path,
    *,
    token: str,
    triggers: int,
    as_of: datetime,
    run_id: str | None = None,
    last_batch: int | None = None,
) -> None:
    """Name the detection whose triggers lie in `ml_outputs`, in one step: from here on they are handed over."""
    note = {
        "token": token, "triggers": triggers, "dagster_run_id": run_id, "as_of": _utc(as_of).isoformat(),
        "last_batch": last_batch,
    }  # fmt: skip
    fresh = ml_outputs / f".{DETECTION}.tmp"
    with fresh.open("w", encoding="utf-8") as out:
        json.dump(note, out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(ml_outputs / DETECTION)


def read_facts(ml_outputs: Path, handoff: Path, *, start: int = 0, stop: int | None = None) -> Facts:
    """Triggers [start, stop) of the newest detection, and every resolution; both in time order."""
    triggers = tuple(iter_triggers(ml_outputs, handoff, start=start, stop=stop))
    return Facts(triggers, tuple(_resolutions(handoff)))


def read_affected(ml_outputs: Path) -> tuple[AffectedFact, ...]:
    """Whom the newest detection found hit by breakdowns; nobody where an earlier version of the loop left no file."""
    path = ml_outputs / AFFECTED
    if not path.exists():
        return ()
    question = (
        "select breakdown_id, signal_id, customer_id from read_parquet($affected)"
        " where breakdown_id is not null and signal_id is not null order by all"
    )
    return tuple(AffectedFact(**row) for row in _rows(question, {"affected": str(path)}))


def iter_triggers(
    ml_outputs: Path, handoff: Path, *, start: int = 0, stop: int | None = None, lane: str = BATCH_LANE
) -> Iterator[TriggerFact]:
    """Triggers one by one with their lineage, which says by which lane they came; empty before the first detection."""
    detection = newest_detection(ml_outputs)
    if detection is None:
        return
    count = (detection.total if stop is None else stop) - start
    parameters = {
        "triggers": str(ml_outputs / TRIGGERS),
        "signals": str(handoff / "int_signal.parquet"),
        "predictions": str(ml_outputs / "ml_root_cause__prediction.parquet"),
        "start": start,
        "count": max(count, 0),
    }
    for row in _rows(_TRIGGERS, parameters):
        yield _trigger(row, detection.run_id, lane)


def _trigger(row: dict[str, Any], run_id: str | None, lane: str) -> TriggerFact:
    value = row["value_usd"]
    return TriggerFact(
        occurred_at=_utc(row["occurred_at"]),
        value_usd=None if value is None else float(value),
        cool_off_days=None if (quiet := row.get("cool_off_days")) is None else int(quiet),
        subject_refs=_subject_refs(row),
        lineage={
            "signal_id": row["signal_id"],
            "source": row["signal_source"],
            "entity": row["signal_entity"],
            "source_key": row["source_key"],
            "source_file": row["source_file"],
            "line": row["line"],
            "row_hash": row["row_hash"],
            "batch_id": row["batch_id"],
            "model_id": row["model_id"],
            "topic_model_id": row["topic_model_id"],
            "rule_hash": row["rule_hash"],
            "dagster_run_id": run_id,
            "lane": lane,
        },
        **{name: row[name] for name in _TRIGGER_FIELDS},
    )


def _subject_refs(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the signal is about, in the words resolutions use: the matter itself, or the matter it belongs to."""
    refs = [(row["related_type"], row["related_id"])]
    if row["signal_entity"] in ("ticket", "complaint", "case"):
        refs.append((row["signal_entity"], row["source_key"]))
    return tuple(sorted({(str(kind), str(key)) for kind, key in refs if kind and key}))


def _resolutions(handoff: Path) -> Iterator[ResolutionFact]:
    path = handoff / "int_resolution.parquet"
    if not path.exists():
        return
    for row in _rows(_RESOLUTIONS, {"resolutions": str(path)}):
        offer, minutes = row["offer_usd"], row["handling_minutes"]
        yield ResolutionFact(
            resolved_at=_utc(row["resolved_at"]),
            cause_id=row["coded_cause_id"],
            offer_usd=None if offer is None else float(offer),
            handling_minutes=None if minutes is None else float(minutes),
            first_action_at=_utc_or_none(row["first_action_at"]),
            customer_informed_at=_utc_or_none(row["customer_informed_at"]),
            **{name: row[name] for name in _RESOLUTION_FIELDS},
        )


def _rows(question: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for batch in connection.execute(question, parameters).to_arrow_reader(10_000):
            yield from batch.to_pylist()


def _utc(value: datetime) -> datetime:
    """The warehouse keeps UTC without saying so; the ledger wants it said."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else _utc(value)
