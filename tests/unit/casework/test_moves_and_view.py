"""A person works a case from opening to the loop closed, and sees why everything is as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cases import services
from cases.errors import UnknownCase
from casework import assignment, moves
from casework.engine import Engine
from casework.view import case_view
from models.case import Actor, EventKind, State
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
ANN = Actor("person", "E-ann")


def test_a_case_opened_by_hand_is_like_any_other_and_says_who_opened_it(at: At) -> None:
    engine = at(MONDAY)
    case_id = moves.open_by_hand(engine, actor=ANN, reason="called in, upset", severity=2, customer_id="CU1", key="k1")
    again = moves.open_by_hand(engine, actor=ANN, reason="called in, upset", severity=2, customer_id="CU1", key="k1")
    assert again == case_id
    told = services.explain(case_id)
    assert [e["kind"] for e in told["events"][:4]] == ["opened", "routed", "sla_applied", "playbook_recommended"]
    assert told["events"][0]["actor_id"] == "E-ann"
    assert told["case"]["created_by_id"] == "E-ann"
    assert told["events"][-1]["payload"]["note"] == "called in, upset"
    assert services.verify_chain().ok


def test_a_case_about_nobody_and_nothing_is_refused(at: At) -> None:
    with pytest.raises(ValueError, match="customer or a subject"):
        moves.open_by_hand(at(MONDAY), actor=ANN, reason="?", severity=3, customer_id=None)


def test_a_changed_severity_brings_new_targets_in_the_same_moment(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    moves.act(engine, case_id, EventKind.SEVERITY_CHANGED, {"severity": 1}, actor=ANN)
    last = services.explain(case_id)["events"][-1]
    assert (last["kind"], last["payload"]["reason"], last["payload"]["severity"]) == (
        "sla_applied",
        "severity_changed",
        1,
    )
    assert last["payload"]["policy_version"] == engine.version


def test_a_reopened_case_is_under_promise_again_and_waits_for_routing(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    assignment.run(engine)
    later = at(MONDAY + timedelta(hours=2))
    moves.act(later, case_id, EventKind.RESOLVED, {}, actor=ANN)
    state = moves.act(
        at(MONDAY + timedelta(hours=4)), case_id, EventKind.REOPENED, {"reason": "still broken"}, actor=ANN
    )
    assert (state.state, state.owner_id) == (State.NEW, None)
    live = [c for c in case_view(at(MONDAY + timedelta(hours=4)), case_id)["clocks"] if c["stopped_at"] is None]
    assert {c["metric"] for c in live} == {"resolve", "update", "inform_customer"}


def test_the_loop_closes_only_after_the_customer_was_told(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1")
    for kind, said in (
        (EventKind.RESOLVED, {}), (EventKind.CLOSED, {"outcome_code": "in_favour", "comment": "paid back"}),
        (EventKind.CUSTOMER_INFORMED, {"channel": "phone"}), (EventKind.LOOP_CLOSED, {}),
    ):  # fmt: skip
        state = moves.act(engine, case_id, kind, said, actor=ANN)
    assert state.state is State.LOOP_CLOSED
    assert None not in (state.resolved_at, state.closed_at, state.customer_informed_at, state.loop_closed_at)


def test_the_view_tells_owner_why_clocks_playbook_with_alternatives_and_history(at: At) -> None:
    engine = at(MONDAY)
    case_id = open_case(engine, "t1", severity=2, journey="payments", source="complaints")
    assignment.run(engine)
    view = case_view(engine, case_id)
    assert view["owner"]["owner_id"] in ("E-ann", "E-bob")
    assert view["owner"]["why_team"] and view["owner"]["why_me"]
    assert {c["metric"] for c in view["clocks"]} >= {
        "first_action",
        "update",
        "resolve",
        "inform_customer",
        "acknowledge",
    }
    arms = view["playbook"]["recommended"]["arms"]
    assert {arm["code"] for arm in arms} == {"refund", "callback"}
    assert sum(arm["propensity"] for arm in arms) == pytest.approx(1)
    assert "apology" in view["playbook"]["recommended"]["excluded"]
    assert [event["kind"] for event in view["events"]][-1] == "assigned"


def test_a_case_that_does_not_exist_is_said_so(at: At) -> None:
    with pytest.raises(UnknownCase):
        case_view(at(MONDAY), "C-NOBODY")
