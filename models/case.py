"""The life of a case: states, event kinds, the one transition table and the pure fold from events to state.

Belongs here: which moves are legal, what a move must carry, and the facts (`TriggerFact`, `ResolutionFact`) a case is
opened and resolved with. Not here: storage, clocks (`models/sla.py`), who gets a case (`models/routing.py`). `overdue`
is not a state: it is a question put to the ledger at a moment, so it is never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
    PLAYBOOK_CHOSEN = "playbook_chosen"
    ASSIGNED = "assigned"
    WORK_STARTED = "work_started"
    CONTACTED = "contacted"
    NOTE_ADDED = "note_added"
    WAITING_STARTED = "waiting_started"
    WAITING_ENDED = "waiting_ended"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CUSTOMER_INFORMED = "customer_informed"
    LOOP_CLOSED = "loop_closed"
    VERIFIED = "verified"
    REOPENED = "reopened"
    MERGED = "merged"
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
        EventKind.PLAYBOOK_CHOSEN: _STAYS_OPEN,
        EventKind.ASSIGNED: {**_STAYS_OPEN, State.NEW: State.ASSIGNED},
        EventKind.WORK_STARTED: {State.ASSIGNED: State.IN_PROGRESS},
        EventKind.CONTACTED: {**_TO_WORK, **_STAYS_SETTLED},
        EventKind.NOTE_ADDED: {state: state for state in State},
        EventKind.WAITING_STARTED: {State.ASSIGNED: State.WAITING, State.IN_PROGRESS: State.WAITING},
        EventKind.WAITING_ENDED: {State.WAITING: State.IN_PROGRESS},
        EventKind.ESCALATED: _STAYS_OPEN,
        EventKind.ACKNOWLEDGED: _STAYS_OPEN,
        # From `new` too: a source may report a fix at first contact without ever naming an owner.
        EventKind.RESOLVED: dict.fromkeys(OPEN_STATES, State.RESOLVED),
        EventKind.CLOSED: {State.RESOLVED: State.CLOSED},
        EventKind.CUSTOMER_INFORMED: {**_STAYS_OPEN, **_STAYS_SETTLED},
        EventKind.LOOP_CLOSED: {State.CLOSED: State.LOOP_CLOSED},
        EventKind.VERIFIED: _STAYS_SETTLED,
        # Back to `new`, not to the last owner: that person may have left, so routing decides again.
        EventKind.REOPENED: dict.fromkeys((*SETTLED_STATES, State.EXPIRED), State.NEW),
        EventKind.MERGED: dict.fromkeys((*OPEN_STATES, State.RESOLVED), State.MERGED),
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
        EventKind.CLOSED: (("outcome_code",), ("comment", "comment_sha256")),
        EventKind.REOPENED: (("reason",),),
        EventKind.MERGED: (("into",),),
        EventKind.INVALIDATED: (("reason",),),
    }
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
    for choice in REQUIRED.get(event.kind, ()):
        if not any(_filled(event.payload.get(key)) for key in choice):
            raise IllegalMove(f"{event.kind} needs {' or '.join(choice)}")
    if "severity" in event.payload and event.payload["severity"] not in (1, 2, 3, 4):
        raise IllegalMove("severity runs from 1 (worst) to 4")
    if event.occurred_at.tzinfo is None:
        raise IllegalMove(f"{event.kind} carries a time without a zone")
    if state is not None:
        _check_context(state, event)


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
            return {"team": payload.get("team", state.team), "owner_id": payload.get("owner_id")}
        case EventKind.SEVERITY_CHANGED:
            return {"severity": int(payload["severity"])}
        case EventKind.PLAYBOOK_CHOSEN:
            return {"playbook_code": payload["playbook_code"]}
        case EventKind.ESCALATED:
            return {"escalations": state.escalations + 1}
        case EventKind.WAITING_STARTED | EventKind.WAITING_ENDED:
            return {"waiting_since": at if event.kind is EventKind.WAITING_STARTED else None}
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
            return {**_FORGOTTEN_ON_REOPEN, "reopens": state.reopens + 1}
        case EventKind.MERGED:
            return {"ended_at": at, "merged_into": payload["into"]}
        case EventKind.UNMERGED:
            return {"ended_at": None, "merged_into": None, "owner_id": None}
        case EventKind.EXPIRED | EventKind.INVALIDATED:
            return {"ended_at": at, "waiting_since": None}
        case _:
            return {}


# A reopened case must be resolved, closed and told to the customer again; the first times stay in the events.
_FORGOTTEN_ON_REOPEN: dict[str, Any] = dict.fromkeys(
    ("owner_id", "outcome_code", "resolved_at", "closed_at", "customer_informed_at", "loop_closed_at", "verified_at",
     "ended_at", "waiting_since")
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


_CASE_KINDS = tuple(str(kind) for kind in CaseKind)
SubjectRefs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """A rule that fired. Times are UTC, `value_usd` dollars, severity 1 (worst) to 4; unknown stays None.

    `subject_refs` are the (type, id) pairs of what the signal is about, such as ("ticket", "123"): resolutions are
    matched by them. `lineage` holds the keys of `models.lineage.Lineage`. Raises `ValueError` for a naive time, an
    unknown kind or a severity outside 1..4.
    """

    trigger_id: str
    rule_id: str
    rule_hash: str
    kind: str
    subject_type: str
    subject_id: str
    severity: int
    occurred_at: datetime
    signal_id: str | None = None
    customer_id: str | None = None
    journey: str | None = None
    cause_id: str | None = None
    theme_id: str | None = None
    value_usd: float | None = None
    segment: str | None = None
    region: str | None = None
    branch_id: str | None = None
    source: str | None = None
    dedupe_days: int = 0
    is_historic: bool = False
    evidence: str = "{}"
    subject_refs: SubjectRefs = ()
    lineage: Payload = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError(f"trigger {self.trigger_id}: occurred_at has no time zone")
        if self.severity not in (1, 2, 3, 4) or self.kind not in _CASE_KINDS:
            raise ValueError(f"trigger {self.trigger_id}: severity runs from 1 to 4, kind is one of {_CASE_KINDS}")

    @property
    def dedupe_window(self) -> timedelta:
        """How long after its last signal an ended case still takes further signals."""
        return timedelta(days=self.dedupe_days)

    @property
    def concern(self) -> str:
        """What the episode is about: the cause, else the journey, the theme, the matter; '-' when nobody knows.

        Two signals of unknown cause about two tickets are two concerns: joined, the end of one would close the other.
        """
        matter = ":".join(self.subject_refs[0]) if self.subject_refs else None
        return self.cause_id or self.journey or self.theme_id or matter or "-"

    @property
    def episode_key(self) -> str:
        """Key under which at most one case is open: kind, subject and concern."""
        return f"{self.kind}|{self.subject_type}:{self.subject_id}|{self.concern}"


@dataclass(frozen=True, slots=True)
class ResolutionFact:
    """What a source says was done about a subject. Times are UTC, `offer_usd` dollars; unknown stays None."""

    resolution_id: str
    subject_type: str
    subject_id: str
    resolved_at: datetime
    outcome: str
    customer_id: str | None = None
    cause_id: str | None = None
    playbook_code: str | None = None
    offer_usd: float | None = None
    owner_id: str | None = None
    first_action_at: datetime | None = None
    customer_informed_at: datetime | None = None
    handling_minutes: float | None = None
    source: str = "resolutions"

    def __post_init__(self) -> None:
        for at in (self.resolved_at, self.first_action_at, self.customer_informed_at):
            if at is not None and at.tzinfo is None:
                raise ValueError(f"resolution {self.resolution_id}: a time has no time zone")
