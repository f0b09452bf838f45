"""Small tables for the tests of the suites: a contract, and landed rows that keep to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from models.contract import SourceContract

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
CANARY = "CANARY-zebra-7741"

CONTRACT = SourceContract.model_validate(
    {
        "source": "shop",
        "entity": "visit",
        "format": "csv",
        "grain": "One row per version of a visit.",
        "description": "Visits to a shop.",
        "owner": "shop-team",
        "key": ["visit_id"],
        "subject": "customer_id",
        "ranges": [{"column": "score", "when": "survey", "ranges": {"NPS": [0, 10], "CSAT": [1, 5]}}],
        "columns": [
            {"name": "visit_id", "type": "text", "required": True, "description": "Number of the visit."},
            {"name": "customer_id", "type": "text", "description": "Customer number."},
            {"name": "visited_at", "type": "timestamp", "required": True, "description": "When it was (UTC)."},
            {"name": "next_visit_on", "type": "date", "future_ok": True, "description": "Planned next visit."},
            {"name": "channel", "type": "text", "allowed": ["web", "branch"], "description": "Where the visit was."},
            {"name": "survey", "type": "text", "description": "Which survey was answered."},
            {"name": "score", "type": "integer", "minimum": 0, "maximum": 10, "description": "The score given."},
            {"name": "paid_usd", "type": "money", "minimum": 0, "description": "What was paid in dollars."},
            {"name": "email", "type": "text", "pii": "identity", "description": "E-mail address of the visitor."},
            {"name": "last_name", "type": "text", "pii": "name", "description": "Family name of the visitor."},
            {"name": "words", "type": "text", "pii": "text", "description": "What the visitor said."},
        ],
    }
)
LANDED = pa.schema(
    [
        ("visit_id", pa.string()), ("customer_id", pa.string()), ("visited_at", pa.timestamp("us", tz="UTC")),
        ("next_visit_on", pa.date32()), ("channel", pa.string()), ("survey", pa.string()), ("score", pa.int64()),
        ("paid_usd", pa.decimal128(18, 2)), ("email_key", pa.string()), ("words", pa.string()),
        ("words_redactions", pa.int64()), ("_source", pa.string()), ("_source_file", pa.string()),
        ("_line", pa.int64()), ("_row_hash", pa.string()), ("_batch_id", pa.int64()),
        ("_loaded_at", pa.timestamp("us", tz="UTC")),
    ]
)  # fmt: skip


def visit(number: int, **changes: Any) -> dict[str, Any]:
    """One good landed row, with the named cells changed."""
    row: dict[str, Any] = {
        "visit_id": f"V{number}", "customer_id": "K1", "visited_at": datetime(2024, 5, 1, tzinfo=UTC),
        "next_visit_on": datetime(2031, 1, 1).date(), "channel": "web", "survey": "NPS", "score": number % 11,
        "paid_usd": 3, "email_key": "9f" * 16, "words": f"Waited an hour, order 1234567890 {CANARY}",
        "words_redactions": 0, "_source": "shop", "_source_file": "a.csv", "_line": number + 2, "_row_hash": "00",
        "_batch_id": 1, "_loaded_at": AS_OF,
    }  # fmt: skip
    return {**row, **changes}


def landed(*rows: dict[str, Any]) -> pa.Table:
    """A landed table of these rows."""
    return pa.Table.from_pylist(list(rows), schema=LANDED)
