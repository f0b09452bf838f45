"""Moves on cases: one person's or program's, or a batch of the engine's, each case's moves and messages at once.

Belongs here: checking the version seen, the move and what it needs from other cases, then appending the events with the
messages they ask for, in one transaction. Not here: the transition table (`models/case.py`), who is asked or what is
said (`casework/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases import store
from cases.chain import EventRow
from cases.crash import crashpoint
from cases.db import write_transaction
from cases.errors import StaleVersion, UnknownCase
from cases.models import Case, Standing
from cases.rows import Draft, standing, text_digest
from models.case import (
    OPEN_STATES,
    REQUIRED_BY_HAND,
    SERVICE_KINDS,
    Actor,
    CaseState,
    EventKind,
    IllegalMove,
    apply,
    check_filled,
    fold,
)
from models.case import CaseEvent as Event
from models.clocks import sla_payload
from models.message import OutgoingMessage
from models.sla import SlaPolicy

# Typed by people, so possibly personal: kept in erasable `EventText`, only the digest goes into the chain.
FREE_TEXT = ("comment", "note")
# After these a case is under other targets than before.
_NEW_TARGETS = {
    EventKind.SEVERITY_CHANGED: "severity_changed",
    EventKind.REOPENED: "reopened",
    EventKind.UNMERGED: "unmerged",
}


@dataclass(frozen=True, slots=True)
class Move:
    """One event to append: its kind and what it says."""

    kind: EventKind
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Moves on one case with the messages they ask for. `expected_version` None means whatever version there is.

    `by_hand` asks the stricter rules of what a person may say; services that have checked more set it to False.
    """

    case_id: str
    moves: Sequence[Move]
    actor: Actor
    occurred_at: datetime
    expected_version: int | None = None
    messages: Sequence[OutgoingMessage] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """State after each change made, by case, and the cases whose change was refused, with the reason."""

    states: dict[str, CaseState]
    refused: dict[str, str]


def make(change: Change, *, recorded_at: datetime, sla: SlaPolicy | None = None) -> CaseState:
    """Append the moves of one change; see `cases.services.act` for what is refused."""
    with write_transaction():
        draft = Draft(recorded_at, store.counters())
        after = _draft_change(change, draft, sla)
        store.write_events(draft)
        crashpoint("act.after_event")
    crashpoint("act.after_commit")
    return after


def make_all(changes: Sequence[Change], *, recorded_at: datetime, sla: SlaPolicy | None = None) -> BatchResult:
    """Append many changes in one transaction. A change that is refused leaves the others as they are.

    At most one change per case; a second one of the same case is refused.
    """
    states: dict[str, CaseState] = {}
    refused: dict[str, str] = {}
    with write_transaction():
        draft = Draft(recorded_at, store.counters())
        for change in changes:
            if change.case_id in states:
                refused[change.case_id] = "changed twice in one batch"
                continue
            try:
                states[change.case_id] = _draft_change(change, draft, sla)
            except (IllegalMove, StaleVersion, UnknownCase) as error:
                refused[change.case_id] = str(error)
        store.write_events(draft)
        crashpoint("act.after_event")
    crashpoint("act.after_commit")
    return BatchResult(states, refused)


def _draft_change(change: Change, draft: Draft, sla: SlaPolicy | None) -> CaseState:
    """Check a change and put its rows into the draft; the draft is left alone when the change is refused."""
    rows = store.event_rows(change.case_id)
    if not rows:
        raise UnknownCase(change.case_id)
    expected = change.expected_version
    if expected is not None and len(rows) != expected:
        raise StaleVersion(change.case_id, expected, len(rows), _since(rows, expected))
    before = fold(store.as_event(row) for row in rows)
    events, after = _play(change, before, draft.recorded_at, sla)
    head = Case.objects.get(case_id=change.case_id)
    for event, state in events:
        _append(change.case_id, event, state, draft)
    opening = store.as_event(rows[0]).payload
    last = max([change.occurred_at, *(row.occurred_at for row in rows)])
    draft.standings.append(standing(head.case_no, change.case_id, after, store.place_of(head, opening), last))
    draft.messages.extend(change.messages)
    _tell_the_target(change, draft)
    return after


def _play(
    change: Change, state: CaseState, recorded_at: datetime, sla: SlaPolicy | None
) -> tuple[list[tuple[Event, CaseState]], CaseState]:
    """The events of a change with the state after each; raises `IllegalMove` before anything is drafted."""
    events: list[tuple[Event, CaseState]] = []
    for move in change.moves:
        event = _event(change, move, state.version + 1, recorded_at)
        after = apply(state, event)
        _check(change, event)
        events.append((event, after))
        state = after
        reason = _NEW_TARGETS.get(move.kind)
        if sla is not None and reason is not None and (said := _targets(change, state, sla, reason)) is not None:
            event = Event(EventKind.SLA_APPLIED, change.occurred_at, said, state.version + 1, recorded_at=recorded_at)
            state = apply(state, event)
            events.append((event, state))
    return events, state


def _event(change: Change, move: Move, seq: int, recorded_at: datetime) -> Event:
    actor = change.actor
    return Event(move.kind, change.occurred_at, dict(move.payload), seq, actor.type, actor.id, recorded_at)


def _targets(change: Change, state: CaseState, sla: SlaPolicy, reason: str) -> dict[str, Any] | None:
    """What the case is under from now on; None where nothing is promised."""
    head = Case.objects.get(case_id=change.case_id)
    facts = store.case_facts(head, store.opening_of(change.case_id)) | {"severity": state.severity}
    return sla_payload(
        sla, severity=state.severity, segment=head.segment, at=change.occurred_at, reason=reason, facts=facts
    )


def _append(case_id: str, event: Event, after: CaseState, draft: Draft) -> None:
    said, texts = _split(event.payload)
    row = draft.add_event(
        case_id, event.seq, event.kind, at=event.occurred_at, after=after.state, payload=said,
        actor=Actor(event.actor_type, event.actor_id),
    )  # fmt: skip
    draft.texts += [(row.event_id, key, body) for key, body in texts.items()]


def _tell_the_target(change: Change, draft: Draft) -> None:
    """A merge shows in both histories: the case that takes the other in says so."""
    into = next((str(m.payload["into"]) for m in change.moves if m.kind is EventKind.MERGED), None)
    if into is None:
        return
    absorbed = Move(EventKind.ABSORBED, {"case_id": change.case_id})
    _draft_change(Change(into, [absorbed], change.actor, change.occurred_at), draft, None)


def _split(payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What goes into the chain, and what a person typed."""
    texts = {key: str(payload[key]) for key in FREE_TEXT if payload.get(key) is not None}
    said = {key: value for key, value in payload.items() if key not in texts}
    for key, body in texts.items():
        said |= {f"{key}_sha256": text_digest(body), f"{key}_chars": len(body)}
    return said, texts


def _since(rows: list[EventRow], version: int) -> tuple[str, ...]:
    return tuple(f"{row.seq} {row.kind} by {row.actor_type} {row.actor_id}" for row in rows[max(version, 0) :])


def _check(change: Change, event: Event) -> None:
    """Conditions that reach beyond the one case or the transition table. Raises `IllegalMove`."""
    if event.recorded_at is None or event.recorded_at.tzinfo is None or event.occurred_at > event.recorded_at:
        raise IllegalMove("an event is recorded at or after the moment it happened, both with a time zone")
    if change.by_hand:
        if event.kind in SERVICE_KINDS:
            raise IllegalMove(f"{event.kind} is written by the case engine, not by hand")
        check_filled(event, REQUIRED_BY_HAND)
    if event.kind is EventKind.MERGED:
        _check_merge_target(change.case_id, str(event.payload["into"]))
    if event.kind in (EventKind.REOPENED, EventKind.UNMERGED):
        _check_no_other_open(change.case_id)


def _check_merge_target(case_id: str, into: str) -> None:
    if into == case_id:
        raise IllegalMove("a case cannot be merged into itself")
    target = [store.as_event(row) for row in store.event_rows(into)]
    if not target:
        raise UnknownCase(into)
    if not fold(target).is_open:
        raise IllegalMove(f"{into} is not open, so nothing can be merged into it")


def _check_no_other_open(case_id: str) -> None:
    """At most one case of a key is open: a later episode has taken over, so the work goes on there."""
    key = Case.objects.values_list("episode_key", flat=True).get(case_id=case_id)
    others = Case.objects.filter(episode_key=key).exclude(case_id=case_id).values_list("case_id", flat=True)
    standing_open = Standing.objects.filter(case_no__in=Case.objects.filter(case_id__in=list(others)).values("case_no"))
    for other in standing_open.filter(state__in=list(OPEN_STATES)).values_list("case_id", flat=True):
        raise IllegalMove(f"{other} is open for the same customer and cause")
