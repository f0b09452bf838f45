"""The hash chain over all events: how an event is written down, and how the chain is checked.

Belongs here: canonical text and digests. Not here: reading or writing tables. One chain runs over the whole ledger
rather than one per case: writers are serialised anyway (SQLite by nature, PostgreSQL by an advisory lock, so that ids
commit in order and the export can go by id), and only a common chain shows that a whole case was taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

GENESIS = "0" * 64
_UNIT = "\x1f"
_MAY_HOLD_NAN = frozenset({float, dict, list, tuple})


# Sorted keys, text as it is, nothing encoded that Python's own JSON would refuse (a day, a dataclass). Python's encoder
# gives the same bytes for what ledgers hold and takes five times as long: a tenth of opening a case.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class EventRow(NamedTuple):
    """One stored event, in the order of the table's columns. `payload` is canonical JSON text."""

    event_id: int
    case_id: str
    seq: int
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor_type: str
    actor_id: str
    state_after: str
    payload: str
    prev_hash: str
    hash: str


def canonical(value: Mapping[str, Any] | list[Any]) -> str:
    """The one way to write a value as JSON. Raises `ValueError` for NaN, `TypeError` for what JSON does not know."""
    text = orjson.dumps(value, option=_OPTIONS).decode()
    # What is no number at all would come out as null.
    if "null" in text:
        _refuse_nan(value)
    return text


def _refuse_nan(value: Any) -> None:
    if isinstance(value, float) and value - value != 0:
        raise ValueError("neither NaN nor an infinite number can be kept")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        if part.__class__ in _MAY_HOLD_NAN:
            _refuse_nan(part)


# The same few instants are written several times per case, and all rows of a batch share the recording time.
@lru_cache(maxsize=65_536)
def stamp(at: datetime) -> str:
    """An instant as text: UTC, to the microsecond."""
    # Nearly all are UTC already, and converting costs as much as writing.
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")


def event_hash(row: EventRow) -> str:
    """Hash of a stored event from its fields and the hash before it."""
    return hash_fields(
        row.prev_hash, row.event_id, row.case_id, row.seq, row.kind, stamp(row.occurred_at), stamp(row.recorded_at),
        row.actor_type, row.actor_id, row.state_after, row.payload,
    )  # fmt: skip


def hash_fields(*fields: str | int) -> str:
    """SHA-256 (hex) over fields joined by the unit separator. Raises `ValueError` for a field that holds one, so that
    no two different rows read alike (canonical JSON never does: it escapes control characters).
    """
    return hash_texts(tuple(map(str, fields)))


def hash_texts(fields: tuple[str, ...]) -> str:
    """`hash_fields` for fields that are text already: what is done for every row written."""
    text = _UNIT.join(fields)
    if text.count(_UNIT) != len(fields) - 1:
        raise ValueError("a ledger field may not hold the unit separator")
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Result of checking the ledger. `head` may be noted elsewhere: it pins everything up to that event."""

    events: int
    cases: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems
