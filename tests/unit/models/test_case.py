"""The state machine: what may follow what, and what a move must carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import (
    OPEN_STATES,
    TRANSITIONS,
    CaseEvent,
    CaseState,
    EventKind,
    IllegalMove,
    State,
    apply,
    check_move,
    fold,
)
from models.facts import ResolutionFact, TriggerFact

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FULL: dict[str, Any] = {
    "severity": 2, "case_kind": "recovery", "trigger_id": "t", "owner_id": "E1", "team": "cx", "note": "seen",
    "outcome_code": "in_favour", "comment": "paid back", "reason": "asked", "into": "C-2", "playbook_code": "refund",
}  # fmt: skip


def event(kind: EventKind, hours: float = 0, **payload: Any) -> CaseEvent:
    return CaseEvent(kind, START + timedelta(hours=hours), payload or FULL)


def history(*kinds: EventKind) -> list[CaseEvent]:
    return [event(kind, hours) for hours, kind in enumerate((EventKind.OPENED, *kinds))]


TO_CLOSED = (EventKind.ASSIGNED, EventKind.CONTACTED, EventKind.RESOLVED, EventKind.CLOSED)


def test_resolved_closed_informed_loop_closed_and_verified_are_five_times() -> None:
    state = fold(history(*TO_CLOSED, EventKind.CUSTOMER_INFORMED, EventKind.LOOP_CLOSED, EventKind.VERIFIED))
    moments = (state.resolved_at, state.closed_at, state.customer_informed_at, state.loop_closed_at, state.verified_at)
    assert moments == tuple(START + timedelta(hours=hours) for hours in (3, 4, 5, 6, 7))
    assert (state.state, state.version) == (State.LOOP_CLOSED, 8)


def test_a_case_without_events_does_not_exist() -> None:
    with pytest.raises(IllegalMove):
        fold([])


@pytest.mark.parametrize("missing", ["outcome_code", "comment"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_closing_needs_an_outcome_code_and_a_comment(missing: str, value: str | None) -> None:
    state = fold(history(EventKind.RESOLVED))
    with pytest.raises(IllegalMove, match=missing):
        check_move(state, event(EventKind.CLOSED, **(FULL | {missing: value})))


def test_a_comment_kept_elsewhere_counts_by_its_digest() -> None:
    state = fold(history(EventKind.RESOLVED))
    check_move(state, event(EventKind.CLOSED, outcome_code="partial", comment_sha256="ab", comment_chars=9))


def test_the_loop_is_not_closed_before_the_customer_was_told() -> None:
    closed = fold(history(*TO_CLOSED))
    with pytest.raises(IllegalMove, match="informed"):
        check_move(closed, event(EventKind.LOOP_CLOSED))
    told = apply(closed, event(EventKind.CUSTOMER_INFORMED, 9))
    assert apply(told, event(EventKind.LOOP_CLOSED, 10)).state is State.LOOP_CLOSED


def test_an_excellence_case_is_never_under_sla() -> None:
    state = fold([event(EventKind.OPENED, severity=4, case_kind="excellence")])
    with pytest.raises(IllegalMove, match="excellence"):
        check_move(state, event(EventKind.SLA_APPLIED))


def test_a_reopened_case_has_no_owner_and_must_be_resolved_again() -> None:
    state = fold(history(*TO_CLOSED, EventKind.CUSTOMER_INFORMED, EventKind.LOOP_CLOSED, EventKind.REOPENED))
    assert (state.state, state.owner_id, state.resolved_at, state.reopens) == (State.NEW, None, None, 1)
    assert state.first_action_at is not None
    with pytest.raises(IllegalMove):
        check_move(state, event(EventKind.CLOSED))


def test_a_merged_case_takes_no_more_signals_and_can_come_back() -> None:
    merged = fold(history(EventKind.MERGED))
    assert merged.merged_into == "C-2"
    with pytest.raises(IllegalMove):
        check_move(merged, event(EventKind.SIGNAL_ATTACHED))
    assert apply(merged, event(EventKind.UNMERGED, 5)).state is State.NEW


@pytest.mark.parametrize("kind", [EventKind.RESOLVED, EventKind.ASSIGNED, EventKind.ESCALATED, EventKind.WORK_STARTED])
@pytest.mark.parametrize("ending", [EventKind.EXPIRED, EventKind.INVALIDATED, EventKind.MERGED])
def test_what_has_ended_is_not_worked_on(kind: EventKind, ending: EventKind) -> None:
    with pytest.raises(IllegalMove):
        check_move(fold(history(ending)), event(kind))


@pytest.mark.parametrize("severity", [0, 5, "high"])
def test_a_severity_outside_the_scale_is_refused(severity: object) -> None:
    with pytest.raises(IllegalMove, match="severity"):
        check_move(fold(history()), event(EventKind.SEVERITY_CHANGED, severity=severity))


def test_waiting_is_entered_and_left() -> None:
    waiting = fold(history(EventKind.ASSIGNED, EventKind.WAITING_STARTED))
    assert (waiting.state, waiting.waiting_since) == (State.WAITING, START + timedelta(hours=2))
    back = apply(waiting, event(EventKind.WAITING_ENDED, 3))
    assert (back.state, back.waiting_since) == (State.IN_PROGRESS, None)


def test_overdue_is_not_a_state() -> None:
    assert "overdue" not in set(State)


def test_every_event_kind_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(EventKind)


@given(st.lists(st.sampled_from(list(EventKind)), max_size=30))
def test_any_accepted_history_is_a_path_of_the_table(kinds: list[EventKind]) -> None:
    accepted = [event(EventKind.OPENED)]
    state: CaseState = fold(accepted)
    for hours, kind in enumerate(kinds, start=1):
        proposed = event(kind, hours)
        try:
            after = apply(state, proposed)
        except IllegalMove:
            with pytest.raises(IllegalMove):
                check_move(state, proposed)
            continue
        assert TRANSITIONS[kind][state.state] is after.state
        assert after.version == state.version + 1
        accepted.append(proposed)
        state = after
    assert fold(accepted) == state
    assert (state.ended_at is None) == (state.state in OPEN_STATES)


def test_facts_without_a_zone_or_outside_their_scales_are_refused() -> None:
    good: dict[str, Any] = {
        "trigger_id": "t", "rule_id": "r", "rule_hash": "h", "kind": "recovery", "subject_type": "customer",
        "subject_id": "C1", "severity": 2, "occurred_at": START,
    }  # fmt: skip
    TriggerFact(**good)
    naive = START.replace(tzinfo=None)
    for wrong in ({"occurred_at": naive}, {"severity": 5}, {"kind": "complaint"}):
        with pytest.raises(ValueError):
            TriggerFact(**(good | wrong))
    with pytest.raises(ValueError):
        ResolutionFact("r", "ticket", "1", resolved_at=naive, outcome="partial")
