"""Evidence as the warehouse hands it over, made up: some weeks of a small bank, and the same as it stood on each day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml.conditions import SIGNAL_SCHEMA
from ml.outputs import PREDICTION, write_output

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
_NAIVE = pa.timestamp("us")
_TEXT, _FLAG, _NUMBER = pa.string(), pa.bool_(), pa.float64()
_LABELS = {
    "coded_cause_basis": _TEXT, "reported_cause_id": _TEXT, "labelled_severity": pa.int64(), "labelled_kind": _TEXT,
    "labelled_theme_id": _TEXT, "is_valid": _FLAG, "labelled_at": _NAIVE, "_source_file": _TEXT, "_line": pa.int64(),
    "_row_hash": _TEXT, "_batch_id": pa.int64(),
}  # fmt: skip
FCT = pa.schema([field.with_type(_NAIVE) if field.name == "occurred_at" else field for field in SIGNAL_SCHEMA])
INT = pa.schema([*FCT, *_LABELS.items()])
RESOLUTION = pa.schema(
    [(name, _TEXT) for name in ("resolution_id", "signal_id", "subject_type", "subject_id", "customer_id", "owner_id",
                                "playbook_code", "coded_cause_id", "outcome")]
    + [("offer_usd", _NUMBER), ("handling_minutes", _NUMBER)]
    + [(name, _NAIVE) for name in ("first_action_at", "resolved_at", "customer_informed_at")]
)  # fmt: skip
_CAUSES = (("fee_dispute", "everyday"), ("staff_conduct", "branch"), ("card_fraud", "security"), (None, None))


def signal(name: str, at: datetime, **more: Any) -> dict[str, Any]:
    """One complaint of customer C1 at an instant, of which nothing else is known."""
    said = {"signal_id": name, "signal_kind": "complaint", "source": "complaints", "entity": "complaint"}
    return said | {"source_key": name, "customer_id": "C1", "occurred_at": at.replace(tzinfo=None), **more}


def weeks_of_signals(weeks: int, seed: int = 7) -> list[dict[str, Any]]:
    """About a dozen signals a day of forty customers, of every kind the bank's rules look at."""
    random = Random(seed)
    rows = []
    for number in range(weeks * 7 * 12):
        at = FIRST + timedelta(seconds=random.randrange(weeks * 7 * 86_400))
        cause, journey = random.choice(_CAUSES)
        about = {"customer_id": f"C{random.randrange(40)}", "cause_id": cause, "model_cause_id": cause,
                 "journey": journey, "severity": random.choice((1, 2, 3, 3, 4, 4, 4)),
                 "annual_value_usd": random.choice((None, 200.0, 3000.0))}  # fmt: skip
        rows.append(signal(f"s{number:04}", at, **about, **_kind(random)))
    return rows


def _kind(random: Random) -> dict[str, Any]:
    kind = random.choice(("complaint", "ticket", "survey_response", "escalation"))
    if kind == "survey_response":
        metric, top = random.choice((("nps", 10), ("csat", 5), ("ces", 7)))
        low = 0 if metric == "nps" else 1
        score = random.randint(low, top)
        return {"signal_kind": kind, "source": "surveys", "entity": "response", "score_metric": metric,
                "score_value": float(score), "score_normalised": (score - low) / (top - low)}  # fmt: skip
    reason = random.choice(("regulator", "supervisor_request", None)) if kind == "escalation" else None
    return {"signal_kind": kind, "source": kind, "entity": kind, "reason_code": reason}


def resolutions_of(rows: list[dict[str, Any]], seed: int = 11) -> list[dict[str, Any]]:
    """Half the complaints and tickets are resolved within a week."""
    random = Random(seed)
    matters = [row for row in rows if row["entity"] in ("complaint", "ticket") and random.random() < 0.5]
    return [
        {"resolution_id": f"r-{row['signal_id']}", "signal_id": row["signal_id"], "subject_type": row["entity"],
         "subject_id": row["source_key"], "customer_id": row["customer_id"], "owner_id": "E-ann",
         "outcome": random.choice(("in_favour", "partial", "rejected")),
         "resolved_at": row["occurred_at"] + timedelta(hours=random.randrange(2, 160))}
        for row in matters
    ]  # fmt: skip


def hand_over(home: Path, rows: list[dict[str, Any]], resolutions: list[dict[str, Any]], until: datetime) -> None:
    """What the warehouse would have handed over at an instant: nothing of a later time is in it."""
    limit = until.replace(tzinfo=None)
    known = [row for row in rows if row["occurred_at"] < limit]
    done = [row for row in resolutions if row["resolved_at"] < limit]
    folder = home / "handoff"
    folder.mkdir(parents=True, exist_ok=True)
    for name, table, schema in (
        ("fct_signal", known, FCT),
        ("int_signal", known, INT),
        ("int_resolution", done, RESOLUTION),
    ):
        pq.write_table(pa.Table.from_pylist(table, schema=schema), folder / f"{name}.parquet")
    write_output(home / "ml_outputs", "ml_root_cause__prediction", PREDICTION.empty_table())
