"""Rows about to be written: heads, events, triggers, references, and the numbering and hashing they share.

Rows are named tuples because one is made for every row written, and a frozen dataclass costs several times as much.
Belongs here: turning decisions into complete rows, without a database. Not here: deciding (`cases/episodes.py`,
`cases/acting.py`) or writing (`cases/store.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from cases.chain import GENESIS, EventRow, canonical, hash_fields, hash_texts, stamp
from models.case import Actor, CaseState, EventKind, State
from models.facts import TriggerFact
from models.message import OutgoingMessage

SYSTEM = Actor("system", "amends")
_CENT = Decimal("0.01")
# A marker no value can equal by accident keeps unknown apart from the empty text.
_UNKNOWN = "\x00"


@dataclass(slots=True)
class Counters:
    """Last ids given out and the hash of the last event; the writer holds them under the write lock."""

    case_no: int = 0
    event_id: int = 0
    trigger_no: int = 0
    ref_no: int = 0
    applied_no: int = 0
    head: str = GENESIS


class CaseRow(NamedTuple):
    """One immutable case head, in the order of the table's columns."""

    case_id: str
    case_no: int
    dedup_key: str
    episode_key: str
    case_kind: str
    rule_id: str
    subject_type: str
    subject_id: str
    customer_id: str | None
    journey: str | None
    cause_id: str | None
    theme_id: str | None
    episode_started_at: datetime
    value_usd: Decimal | None
    segment: str | None
    region: str | None
    created_by_type: str
    created_by_id: str

    def digest(self) -> str:
        """What the opening event vouches for: every field but the key itself is hashed as text."""
        (case_id, number, key, episode, kind, rule, subject_type, subject_id, customer, journey, cause, theme,
         started_at, value, segment, region, by_type, by_id) = self  # fmt: skip
        return hash_texts((
            case_id, str(number), key, episode, kind, rule, subject_type, subject_id,
            _UNKNOWN if customer is None else customer, _UNKNOWN if journey is None else journey,
            _UNKNOWN if cause is None else cause, _UNKNOWN if theme is None else theme, stamp(started_at),
            _UNKNOWN if value is None else str(value), _UNKNOWN if segment is None else segment,
            _UNKNOWN if region is None else region, by_type, by_id,
        ))  # fmt: skip


class TriggerRow(NamedTuple):
    """One trigger that reached the ledger, in the order of the table's columns."""

    id: int
    trigger_id: str
    case_id: str
    signal_id: str | None
    rule_id: str
    rule_hash: str
    occurred_at: datetime
    lineage: str

    def digest(self) -> str:
        """What the event that took the trigger in vouches for."""
        number, trigger_id, case_id, signal_id, rule, version, at, lineage = self
        return hash_texts((
            str(number), trigger_id, case_id, _UNKNOWN if signal_id is None else signal_id, rule, version, stamp(at),
            lineage,
        ))  # fmt: skip


class StandingRow(NamedTuple):
    """Where a case stands after this transaction, in the order of the table's columns."""

    case_no: int
    case_id: str
    case_kind: str
    state: str
    severity: int
    version: int
    opened_at: datetime
    last_event_at: datetime
    team: str | None
    owner_role: str | None
    owner_id: str | None
    branch_id: str | None
    region: str | None
    outreach_suppressed: bool


def standing(case_no: int, case_id: str, state: CaseState, place: Place, last_event_at: datetime) -> StandingRow:
    """The standing of a case from the fold of its events and what its opening said."""
    return StandingRow(
        case_no, case_id, state.kind, state.state, state.severity, state.version, state.opened_at, last_event_at,
        state.team, state.owner_role, state.owner_id, place.branch_id, place.region, place.outreach_suppressed,
    )  # fmt: skip


class Place(NamedTuple):
    """Where in the organisation a case belongs, and whether anybody may be contacted about it; fixed at opening."""

    branch_id: str | None
    region: str | None
    outreach_suppressed: bool


def money(value: float | Decimal | None) -> Decimal | None:
    """Dollars to the cent; unknown stays None."""
    return None if value is None else Decimal(str(value)).quantize(_CENT)


def dedup_key(trigger: TriggerFact, episode_key: str) -> str:
    """SHA-256 over rule, kind, subject, concern and episode start. Not the rule's version: an edit reopens nothing."""
    return sha256(f"{trigger.rule_id}|{episode_key}|{stamp(trigger.occurred_at)}".encode()).hexdigest()


_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Ten bits at a time: base64.b32encode works byte by byte in Python and took a tenth of opening a case.
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]


def case_id_for(key: str, *, length: int = 10) -> str:
    """Readable id of a case: C- and the first `length` base32 characters (even, up to 24) of the SHA-256 of its dedup key."""
    bits = int.from_bytes(sha256(key.encode()).digest()[:15], "big") >> (120 - 5 * length)
    return "C-" + "".join([_PAIRS[(bits >> shift) & 1023] for shift in range(5 * length - 10, -1, -10)])


@dataclass(slots=True)
class Draft:
    """Rows of one transaction, numbered and chained as they are added."""

    recorded_at: datetime
    counters: Counters
    cases: list[CaseRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    triggers: list[TriggerRow] = field(default_factory=list)
    refs: list[tuple[int, str, str, str]] = field(default_factory=list)
    applied: list[tuple[int, str, str, str]] = field(default_factory=list)
    texts: list[tuple[int, str, str]] = field(default_factory=list)
    standings: list[StandingRow] = field(default_factory=list)
    messages: list[OutgoingMessage] = field(default_factory=list)

    def add_event(
        self,
        case_id: str,
        seq: int,
        kind: EventKind,
        *,
        at: datetime,
        after: State,
        payload: Mapping[str, Any],
        actor: Actor = SYSTEM,
    ) -> EventRow:
        """Append one event to the chain. `payload` must be JSON; raises `ValueError` or `TypeError` if it is not."""
        counters, text = self.counters, canonical(payload)
        counters.event_id += 1
        hashed = hash_texts((
            counters.head, str(counters.event_id), case_id, str(seq), kind.value, stamp(at), stamp(self.recorded_at),
            actor.type, actor.id, after.value, text,
        ))  # fmt: skip
        # Plain text, not the enumeration: the driver would look for an adapter, which costs more than the value.
        row = EventRow(
            counters.event_id, case_id, seq, kind.value, at, self.recorded_at, actor.type, actor.id, after.value, text,
            counters.head, hashed,
        )  # fmt: skip
        counters.head = hashed
        self.events.append(row)
        return row

    def add_trigger(self, case_id: str, trigger: TriggerFact) -> TriggerRow:
        """Note that the trigger belongs to the case, with its lineage."""
        self.counters.trigger_no += 1
        row = TriggerRow(
            self.counters.trigger_no, trigger.trigger_id, case_id, trigger.signal_id, trigger.rule_id,
            trigger.rule_hash, trigger.occurred_at, canonical(trigger.lineage),
        )  # fmt: skip
        self.triggers.append(row)
        return row

    def add_case(self, case_id: str, key: str, episode_key: str, trigger: TriggerFact) -> CaseRow:
        """Head of a new case, taken from the trigger that opens it."""
        self.counters.case_no += 1
        by = trigger.opened_by or SYSTEM
        row = CaseRow(
            case_id, self.counters.case_no, key, episode_key, trigger.kind, trigger.rule_id,
            trigger.subject_type, trigger.subject_id, trigger.customer_id, trigger.journey, trigger.cause_id,
            trigger.theme_id, trigger.occurred_at, money(trigger.value_usd), trigger.segment, trigger.region,
            by.type, by.id,
        )  # fmt: skip
        self.cases.append(row)
        return row

    def add_ref(self, case_id: str, ref_type: str, ref_id: str) -> None:
        """Note what the case is about."""
        self.counters.ref_no += 1
        self.refs.append((self.counters.ref_no, case_id, ref_type, ref_id))

    def add_applied(self, case_id: str, resolution_id: str, aspect: str) -> None:
        """Note that this aspect of a resolution has changed the case."""
        self.counters.applied_no += 1
        self.applied.append((self.counters.applied_no, resolution_id, aspect, case_id))


def text_digest(body: str) -> str:
    """Digest that stays in the chain when the text itself is erased."""
    return hash_fields(body)
