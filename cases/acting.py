"""One person's or program's move on one case.

Belongs here: checking the version seen, the move and what it needs from other cases, then appending one event. Not
here: the transition table (`models/case.py`), messages to customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases import store
from cases.chain import EventRow
from cases.crash import crashpoint
from cases.db import write_transaction
from cases.errors import StaleVersion, UnknownCase
from cases.models import Case, CaseEvent
from cases.rows import Draft, text_digest
from models.case import OPEN_STATES, Actor, CaseState, EventKind, IllegalMove, State, apply, fold
from models.case import CaseEvent as Event

# Typed by people, so possibly personal: kept in erasable `EventText`, only the digest goes into the chain.
FREE_TEXT = ("comment", "note")
# Said by the ledger itself; nobody may write them by hand.
_NOT_BY_HAND = frozenset({EventKind.OPENED, EventKind.SIGNAL_ATTACHED})


def act(
    case_id: str,
    kind: EventKind,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    expected_version: int,
    occurred_at: datetime,
    recorded_at: datetime,
) -> CaseState:
    """Append one event; see `cases.services.act`."""
    with write_transaction():
        rows = store.event_rows(case_id)
        if not rows:
            raise UnknownCase(case_id)
        if len(rows) != expected_version:
            raise StaleVersion(case_id, expected_version, len(rows), _since(rows, expected_version))
        state = fold(store.as_event(row) for row in rows)
        event = Event(kind, occurred_at, dict(payload), len(rows) + 1, actor.type, actor.id, recorded_at)
        after = apply(state, event)
        _check_by_hand(case_id, event)
        _append(case_id, event, after.state)
    crashpoint("act.after_commit")
    return after


def _append(case_id: str, event: Event, after: State) -> None:
    assert event.recorded_at is not None
    draft = Draft(event.recorded_at, store.counters())
    said, texts = _split(event.payload)
    row = draft.add_event(
        case_id, event.seq, event.kind, at=event.occurred_at, after=after, payload=said,
        actor=Actor(event.actor_type, event.actor_id),
    )  # fmt: skip
    draft.texts = [(row.event_id, key, body) for key, body in texts.items()]
    store.write_events(draft)
    crashpoint("act.after_event")


def _split(payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What goes into the chain, and what a person typed."""
    texts = {key: str(payload[key]) for key in FREE_TEXT if payload.get(key) is not None}
    said = {key: value for key, value in payload.items() if key not in texts}
    for key, body in texts.items():
        said |= {f"{key}_sha256": text_digest(body), f"{key}_chars": len(body)}
    return said, texts


def _since(rows: list[EventRow], version: int) -> tuple[str, ...]:
    return tuple(f"{row.seq} {row.kind} by {row.actor_type} {row.actor_id}" for row in rows[max(version, 0) :])


def _check_by_hand(case_id: str, event: Event) -> None:
    """Conditions that reach beyond the one case. Raises `IllegalMove`."""
    if event.kind in _NOT_BY_HAND:
        raise IllegalMove(f"{event.kind} is written by opening cases, not by hand")
    if event.recorded_at is None or event.recorded_at.tzinfo is None or event.occurred_at > event.recorded_at:
        raise IllegalMove("an event is recorded at or after the moment it happened, both with a time zone")
    if event.kind is EventKind.MERGED:
        _check_merge_target(case_id, str(event.payload["into"]))
    if event.kind in (EventKind.REOPENED, EventKind.UNMERGED):
        _check_no_other_open(case_id)


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
    for other in others:
        last = CaseEvent.objects.filter(case_id=other).order_by("-seq").values_list("state_after", flat=True).first()
        if last in OPEN_STATES:
            raise IllegalMove(f"{other} is open for the same customer and cause")
