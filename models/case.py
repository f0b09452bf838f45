"""The life of a case: states, event kinds, the one transition table and the pure fold from events to state.

Belongs here: which moves are legal and what a move must carry. Not here: the facts a case is opened and resolved with
(`models/facts.py`), storage, clocks (`models/clocks.py`), who gets a case (`models/routing.py`). `overdue` is not a
state: it is a question put to the ledger at a moment, so it is never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

Payload = Mapping[str, Any]


class State(StrEnum):
    """Where a case stands. Resolved, closed and loop closed are three moments; `verified` is a fourth, a time only."""

    NEW = "new"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting_for_customer"
    RESOLVED = "resolved"
    CLOSED = "closed"
    LOOP_CLOSED = "loop_closed"
    EXPIRED = "expired"
    INVALID = "invalid"
    MERGED = "merged"


class EventKind(StrEnum):
    """Everything that may be said about a case. A kind is added here and in `TRANSITIONS`, nowhere else."""

    OPENED = "opened"
    SIGNAL_ATTACHED = "signal_attached"
    ROUTED = "routed"
    SLA_APPLIED = "sla_applied"
    SEVERITY_CHANGED = "severity_changed"
    PLAYBOOK_RECOMMENDED = "playbook_recommended"
    PLAYBOOK_CHOSEN = "playbook_chosen"
    STEP_DONE = "step_done"
    ASSIGNED = "assigned"
    RELEASED = "released"
    WORK_STARTED = "work_started"
    CONTACTED = "contacted"
    NOTE_ADDED = "note_added"
    WAITING_STARTED = "waiting_started"
    WAITING_ENDED = "waiting_ended"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    REMINDED = "reminded"
    OFFER_REQUESTED = "offer_requested"
    OFFER_APPROVED = "offer_approved"
    OFFER_REFUSED = "offer_refused"
    OFFER_ISSUED = "offer_issued"
    MESSAGE_QUEUED = "message_queued"
    MESSAGE_SENT = "message_sent"
    MESSAGE_PARKED = "message_parked"
    MESSAGE_SUPPRESSED = "message_suppressed"
    CUSTOMER_REPLIED = "customer_replied"
    EMPLOYEE_ASKED = "employee_asked"
    ORIGINAL_OPENED = "original_opened"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CUSTOMER_INFORMED = "customer_informed"
    LOOP_CLOSED = "loop_closed"
    VERIFIED = "verified"
    REOPENED = "reopened"
    MERGED = "merged"
    ABSORBED = "absorbed"
    CUSTOMERS_ATTACHED = "customers_attached"
    UNMERGED = "unmerged"
    INVALIDATED = "invalidated"
    EXPIRED = "expired"


class CaseKind(StrEnum):
    """Recovery and breakdown cases run under SLA; excellence cases never do."""

    RECOVERY = "recovery"
    EXCELLENCE = "excellence"
    BREAKDOWN = "breakdown"


OPEN_STATES = frozenset({State.NEW, State.ASSIGNED, State.IN_PROGRESS, State.WAITING})
SETTLED_STATES = frozenset({State.RESOLVED, State.CLOSED, State.LOOP_CLOSED})
ENDING_KINDS = frozenset({EventKind.RESOLVED, EventKind.EXPIRED, EventKind.INVALIDATED, EventKind.MERGED})
SIGNAL_KINDS = frozenset({EventKind.OPENED, EventKind.SIGNAL_ATTACHED})

# Written by the ledger's own services, which check more than one case can know: caps, budgets, leases, consent.
SERVICE_KINDS = frozenset(
    {
        EventKind.OPENED, EventKind.SIGNAL_ATTACHED, EventKind.SLA_APPLIED, EventKind.PLAYBOOK_RECOMMENDED,
        EventKind.REMINDED, EventKind.OFFER_REQUESTED, EventKind.OFFER_APPROVED, EventKind.OFFER_REFUSED,
        EventKind.OFFER_ISSUED, EventKind.MESSAGE_QUEUED, EventKind.MESSAGE_SENT, EventKind.MESSAGE_PARKED,
        EventKind.MESSAGE_SUPPRESSED, EventKind.EMPLOYEE_ASKED, EventKind.ABSORBED,
        EventKind.ORIGINAL_OPENED, EventKind.CUSTOMERS_ATTACHED,
    }
)  # fmt: skip

_STAYS: dict[State | None, State] = {state: state for state in State}
_STAYS_OPEN: dict[State | None, State] = {state: state for state in OPEN_STATES}
_STAYS_SETTLED: dict[State | None, State] = {state: state for state in SETTLED_STATES}
_TO_WORK: dict[State | None, State] = {
    State.NEW: State.IN_PROGRESS,
    State.ASSIGNED: State.IN_PROGRESS,
    State.IN_PROGRESS: State.IN_PROGRESS,
    State.WAITING: State.WAITING,
}

# One row per event kind: from which state to which. What is not in the table is refused. `opened` starts a case.
TRANSITIONS: Mapping[EventKind, Mapping[State | None, State]] = MappingProxyType(
    {
        EventKind.OPENED: {None: State.NEW},
        EventKind.SIGNAL_ATTACHED: {state: state for state in State if state is not State.MERGED},
        EventKind.ROUTED: _STAYS_OPEN,
        EventKind.SLA_APPLIED: _STAYS_OPEN,
        EventKind.SEVERITY_CHANGED: _STAYS_OPEN,
        EventKind.PLAYBOOK_RECOMMENDED: _STAYS_OPEN,
        EventKind.PLAYBOOK_CHOSEN: _STAYS_OPEN,
        EventKind.STEP_DONE: {**_TO_WORK, **_STAYS_SETTLED},
        EventKind.ASSIGNED: {**_STAYS_OPEN, State.NEW: State.ASSIGNED},
        # Back to the queue: the owner is away, has left or hands it on. A customer we wait for keeps waiting.
        EventKind.RELEASED: {
            State.ASSIGNED: State.NEW,
            State.IN_PROGRESS: State.NEW,
            State.WAITING: State.WAITING,
        },
        EventKind.WORK_STARTED: {State.ASSIGNED: State.IN_PROGRESS},
        EventKind.CONTACTED: {**_TO_WORK, **_STAYS_SETTLED},
        EventKind.NOTE_ADDED: _STAYS,
        EventKind.WAITING_STARTED: {State.ASSIGNED: State.WAITING, State.IN_PROGRESS: State.WAITING},
        EventKind.WAITING_ENDED: {State.WAITING: State.IN_PROGRESS},
        EventKind.ESCALATED: _STAYS_OPEN,
        EventKind.ACKNOWLEDGED: _STAYS_OPEN,
        EventKind.REMINDED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.OFFER_REQUESTED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.OFFER_APPROVED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.OFFER_REFUSED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.OFFER_ISSUED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        # What became of a message is recorded whatever has become of the case since.
        EventKind.MESSAGE_QUEUED: _STAYS,
        EventKind.MESSAGE_SENT: _STAYS,
        EventKind.MESSAGE_PARKED: _STAYS,
        EventKind.MESSAGE_SUPPRESSED: _STAYS,
        EventKind.CUSTOMER_REPLIED: {**_STAYS_OPEN, **_STAYS_SETTLED, State.WAITING: State.IN_PROGRESS},
        EventKind.EMPLOYEE_ASKED: _STAYS,
        # Whom a breakdown hit is known late, even when its case has ended.
        EventKind.CUSTOMERS_ATTACHED: _STAYS,
        # Somebody read a text as it was before redaction; whether they may is decided where it is opened.
        EventKind.ORIGINAL_OPENED: _STAYS,
        # From `new` too: a source may report a fix at first contact without ever naming an owner.
        EventKind.RESOLVED: dict.fromkeys(OPEN_STATES, State.RESOLVED),
        EventKind.CLOSED: {State.RESOLVED: State.CLOSED},
        EventKind.CUSTOMER_INFORMED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.LOOP_CLOSED: {State.CLOSED: State.LOOP_CLOSED},
        EventKind.VERIFIED: _STAYS_SETTLED,
        # Back to `new`, not to the last owner: that person may have left, so routing decides again.
        EventKind.REOPENED: dict.fromkeys((*SETTLED_STATES, State.EXPIRED), State.NEW),
        EventKind.MERGED: dict.fromkeys((*OPEN_STATES, State.RESOLVED), State.MERGED),
        EventKind.ABSORBED: _STAYS_OPEN,
        EventKind.UNMERGED: {State.MERGED: State.NEW},
        EventKind.INVALIDATED: dict.fromkeys((*OPEN_STATES, State.RESOLVED), State.INVALID),
        EventKind.EXPIRED: dict.fromkeys(OPEN_STATES, State.EXPIRED),
    }
)

# Each inner tuple is a choice: one of its keys must be filled. A comment may have been moved to erasable storage,
# leaving its digest in the payload.
REQUIRED: Mapping[EventKind, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        EventKind.OPENED: (("severity",), ("case_kind",)),
        EventKind.SIGNAL_ATTACHED: (("trigger_id",),),
        EventKind.SEVERITY_CHANGED: (("severity",),),
        EventKind.PLAYBOOK_CHOSEN: (("playbook_code",),),
        EventKind.ASSIGNED: (("owner_id", "team"),),
        EventKind.NOTE_ADDED: (("note", "note_sha256"),),
        EventKind.STEP_DONE: (("step",),),
        EventKind.RELEASED: (("reason",),),
        EventKind.OFFER_REQUESTED: (("offer_code",), ("amount_usd",)),
        EventKind.OFFER_ISSUED: (("offer_code",), ("amount_usd",)),
        EventKind.CLOSED: (("outcome_code",), ("comment", "comment_sha256")),
        EventKind.REOPENED: (("reason",),),
        EventKind.MERGED: (("into",),),
        EventKind.INVALIDATED: (("reason",),),
        EventKind.ORIGINAL_OPENED: (("signal_id",), ("reason",)),
    }
)

# Asked of whoever says it now, not of history: ledgers of the first release hold such events without a channel.
REQUIRED_BY_HAND: Mapping[EventKind, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {EventKind.CUSTOMER_INFORMED: (("channel", "message_id"),)}
)


class IllegalMove(ValueError):
    """The event may not follow in this state, or does not carry what it must."""


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing that happened to a case. `seq` counts from 1 inside the case; `occurred_at` is UTC."""

    kind: EventKind
    occurred_at: datetime
    payload: Payload = field(default_factory=dict)
    seq: int = 0
    actor_type: str = "system"
    actor_id: str = "amends"
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: `type` is person, system or source; `id` says which."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class CaseState:
    """What the events of one case add up to. `version` is the number of events: an edit names the one it saw."""

    state: State
    kind: CaseKind
    version: int
    opened_at: datetime
    severity: int
    signals: int = 1
    last_signal_at: datetime | None = None
    team: str | None = None
    owner_role: str | None = None
    owner_id: str | None = None
    previous_owner_id: str | None = None
    acknowledged_at: datetime | None = None
    # Since when somebody has been owed a look; None once acknowledged. Handing a case on does not start it anew.
    unacknowledged_since: datetime | None = None
    playbook_code: str | None = None
    outcome_code: str | None = None
    merged_into: str | None = None
    first_action_at: datetime | None = None
    waiting_since: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    customer_informed_at: datetime | None = None
    loop_closed_at: datetime | None = None
    verified_at: datetime | None = None
    ended_at: datetime | None = None
    reopens: int = 0
    escalations: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something before the case is resolved."""
        return self.state in OPEN_STATES


def next_state(state: State | None, kind: EventKind) -> State:
    """State after `kind` by the transition table alone; raises `IllegalMove` where the table has no entry."""
    after = TRANSITIONS[kind].get(state)
    if after is None:
        raise IllegalMove(f"{kind} may not follow in state {state or 'unopened'}")
    return after


def check_move(state: CaseState | None, event: CaseEvent) -> None:
    """Refuse an event that may not follow. Raises `IllegalMove` with the reason; says nothing when it is legal."""
    next_state(state.state if state else None, event.kind)
    check_filled(event, REQUIRED)
    if "severity" in event.payload and event.payload["severity"] not in (1, 2, 3, 4):
        raise IllegalMove("severity runs from 1 (worst) to 4")
    if event.occurred_at.tzinfo is None:
        raise IllegalMove(f"{event.kind} carries a time without a zone")
    if state is not None:
        _check_context(state, event)


def check_filled(event: CaseEvent, required: Mapping[EventKind, tuple[tuple[str, ...], ...]]) -> None:
    """Raise `IllegalMove` when the payload lacks what `required` asks of its kind."""
    for choice in required.get(event.kind, ()):
        if not any(_filled(event.payload.get(key)) for key in choice):
            raise IllegalMove(f"{event.kind} needs {' or '.join(choice)}")


def _filled(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None


def _check_context(state: CaseState, event: CaseEvent) -> None:
    if event.kind is EventKind.LOOP_CLOSED and state.customer_informed_at is None:
        raise IllegalMove("loop_closed needs a customer who was informed first")
    if event.kind is EventKind.SLA_APPLIED and state.kind is CaseKind.EXCELLENCE:
        raise IllegalMove("an excellence case is never under SLA")


def _opened(event: CaseEvent) -> CaseState:
    payload = event.payload
    return CaseState(
        state=State.NEW,
        kind=CaseKind(payload["case_kind"]),
        version=1,
        opened_at=event.occurred_at,
        severity=int(payload["severity"]),
        last_signal_at=event.occurred_at,
        unacknowledged_since=event.occurred_at,
    )


def _changes(state: CaseState, event: CaseEvent) -> dict[str, Any]:
    """Fields an event sets besides state and version."""
    at, payload = event.occurred_at, event.payload
    match event.kind:
        case EventKind.SIGNAL_ATTACHED:
            return {"signals": state.signals + 1, "last_signal_at": max(at, state.last_signal_at or at)}
        case EventKind.ROUTED:
            return {"team": payload.get("team"), "owner_role": payload.get("owner_role")}
        case EventKind.ASSIGNED:
            return {
                "team": payload.get("team", state.team),
                "owner_id": payload.get("owner_id"),
                "acknowledged_at": None,
                "unacknowledged_since": state.unacknowledged_since or at,
            }
        case EventKind.RELEASED:
            unseen = {"acknowledged_at": None, "unacknowledged_since": state.unacknowledged_since or at}
            return {"owner_id": None, "previous_owner_id": state.owner_id, **unseen}
        case EventKind.ACKNOWLEDGED:
            return {"acknowledged_at": at, "unacknowledged_since": None}
        case EventKind.SEVERITY_CHANGED:
            return {"severity": int(payload["severity"])}
        case EventKind.PLAYBOOK_CHOSEN:
            return {"playbook_code": payload["playbook_code"]}
        case EventKind.ESCALATED:
            return {"escalations": state.escalations + 1}
        case EventKind.WAITING_STARTED | EventKind.WAITING_ENDED:
            return {"waiting_since": at if event.kind is EventKind.WAITING_STARTED else None}
        case EventKind.CUSTOMER_REPLIED:
            return {"waiting_since": None}
        case _:
            return _moments(state, event)


def _moments(state: CaseState, event: CaseEvent) -> dict[str, Any]:
    """The named times of a case, each kept apart from the others."""
    at, payload = event.occurred_at, event.payload
    match event.kind:
        case EventKind.CONTACTED:
            return {"first_action_at": state.first_action_at or at}
        case EventKind.RESOLVED:
            code = payload.get("playbook_code") or state.playbook_code
            return {"resolved_at": at, "ended_at": at, "waiting_since": None, "playbook_code": code}
        case EventKind.CLOSED:
            return {"closed_at": at, "outcome_code": payload["outcome_code"]}
        case EventKind.CUSTOMER_INFORMED:
            return {"customer_informed_at": state.customer_informed_at or at}
        case EventKind.LOOP_CLOSED:
            return {"loop_closed_at": at}
        case EventKind.VERIFIED:
            return {"verified_at": at}
        case EventKind.REOPENED:
            anew = {"reopens": state.reopens + 1, "previous_owner_id": state.owner_id, "unacknowledged_since": at}
            return {**_FORGOTTEN_ON_REOPEN, **anew}
        case EventKind.MERGED:
            return {"ended_at": at, "merged_into": payload["into"]}
        case EventKind.UNMERGED:
            return {"ended_at": None, "merged_into": None, "owner_id": None, "unacknowledged_since": at}
        case EventKind.EXPIRED | EventKind.INVALIDATED:
            return {"ended_at": at, "waiting_since": None}
        case _:
            return {}


# A reopened case must be resolved, closed and told to the customer again; the first times stay in the events.
_FORGOTTEN_ON_REOPEN: dict[str, Any] = dict.fromkeys(
    ("owner_id", "acknowledged_at", "outcome_code", "resolved_at", "closed_at", "customer_informed_at",
     "loop_closed_at", "verified_at", "ended_at", "waiting_since")
)  # fmt: skip


def apply(state: CaseState | None, event: CaseEvent) -> CaseState:
    """State after one more event. Raises `IllegalMove` when the event may not follow."""
    check_move(state, event)
    if state is None:
        return _opened(event)
    after = next_state(state.state, event.kind)
    return replace(state, state=after, version=state.version + 1, **_changes(state, event))


def fold(events: Iterable[CaseEvent]) -> CaseState:
    """State of a case from its events in `seq` order. Raises `IllegalMove` for a history that cannot have happened."""
    state: CaseState | None = None
    for event in events:
        state = apply(state, event)
    if state is None:
        raise IllegalMove("a case without events does not exist")
    return state
