"""What a person does to a case: open one by hand, take it, work it, settle it, and what the engine adds to that.

Belongs here: putting a person's move together with what follows from it (new targets, the question to the owner at
close, the word to whoever is told). Not here: whether the move is legal (`models/case.py`), who may make it
(`cases/scope.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from cases import queue, services
from cases.acting import Change, Move
from casework import questions, telling
from casework.engine import Engine
from casework.opening import open_with
from models.case import Actor, CaseState, EventKind, IllegalMove
from models.facts import TriggerFact
from models.message import OutgoingMessage

MANUAL_RULE = "manual"


def act(
    engine: Engine,
    case_id: str,
    kind: EventKind,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    expected_version: int | None = None,
) -> CaseState:
    """Make one move at the engine's moment; refusals as in `cases.services.act`.

    Without `expected_version` the newest version is meant. A changed severity and a reopening bring new targets; a
    closing tells the colleagues who had a part in the case how it ended, in the same transaction, and puts the question
    to the owner when the sample says so. A closing may name the cause that was found, which models learn from; a cause
    the programme does not have is refused.
    """
    if kind is EventKind.CLOSED:
        _check_cause(engine, payload)
    words = _closing_words(engine, case_id, payload, actor) if kind is EventKind.CLOSED else []
    change = Change(case_id, [Move(kind, payload)], actor, engine.at, expected_version, words, by_hand=True)
    state = services.change(change, recorded_at=engine.recorded_at, sla=engine.programme.sla)
    if kind is EventKind.CLOSED:
        questions.ask_owner(engine, case_id, state)
    return state


def _check_cause(engine: Engine, payload: Mapping[str, Any]) -> None:
    cause = payload.get("cause_id")
    if cause is not None and cause not in {known.id for known in engine.programme.taxonomy.causes}:
        raise IllegalMove("the programme has no such cause")


def _closing_words(engine: Engine, case_id: str, payload: Mapping[str, Any], actor: Actor) -> list[OutgoingMessage]:
    case = queue.one(case_id)
    outcome = payload.get("outcome_code")
    return telling.outcome_words(engine, case, str(outcome), actor) if case is not None and outcome else []


def open_by_hand(
    engine: Engine,
    *,
    actor: Actor,
    reason: str,
    severity: int,
    customer_id: str | None,
    kind: str = "recovery",
    cause_id: str | None = None,
    journey: str | None = None,
    subject: tuple[str, str] | None = None,
    value_usd: float | None = None,
    segment: str | None = None,
    region: str | None = None,
    branch_id: str | None = None,
    key: str | None = None,
) -> str:
    """Open a case a person asks for, with the routing, targets and advice a rule's case would get; returns its id.

    `key` makes the call safe to repeat (default: a fresh one). A case that is open for the same customer and concern
    takes the request in instead. `reason` is kept as a note, so it can be erased. Raises `ValueError` when neither a
    customer nor a subject is named.
    """
    if customer_id is None and subject is None:
        raise ValueError("a case is about a customer or a subject: name one")
    subject_type, subject_id = subject if subject and customer_id is None else ("customer", str(customer_id))
    trigger = TriggerFact(
        trigger_id=f"manual-{key or uuid.uuid4().hex}", rule_id=MANUAL_RULE, rule_hash=engine.version, kind=kind,
        subject_type=subject_type, subject_id=subject_id, severity=severity, occurred_at=engine.at,
        customer_id=customer_id, cause_id=cause_id, journey=journey, value_usd=value_usd, segment=segment,
        region=region, branch_id=branch_id, source=MANUAL_RULE, subject_refs=(subject,) if subject else (),
        lineage={"origin": MANUAL_RULE}, opened_by=actor,
    )  # fmt: skip
    result = open_with(engine, [trigger], [])
    case_id = services.case_of_trigger(trigger.trigger_id)
    if result.opened or result.attached:
        act(engine, case_id, EventKind.NOTE_ADDED, {"note": reason}, actor=actor)
    return case_id
