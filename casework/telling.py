"""Words about a case to the people it concerns: its customer, and the colleagues who had a part in it.

Belongs here: queueing them with the event that says so. Not here: the words (`programme/<company>/messages`), whether a
message to a customer may leave (decided when it is sent).
"""

from __future__ import annotations

from collections.abc import Mapping

from cases import queue, services
from cases.acting import Change, Move
from cases.errors import UnknownCase
from cases.queue import OpenCase
from casework import messages
from casework.engine import Engine
from models.case import Actor, CaseState, EventKind, IllegalMove
from models.message import OutgoingMessage
from models.template import Value


def tell_customer(
    engine: Engine,
    case_id: str,
    template: str,
    values: Mapping[str, Value],
    *,
    actor: Actor,
    key: str,
    channel: str | None = None,
) -> CaseState:
    """Queue a message of the programme to the customer of a case; `key` makes the call safe to repeat.

    When a message of purpose `closure` has been sent, the case notes that the customer was informed. Raises
    `UnknownCase`, `IllegalMove` when nobody knows the customer or the message is for colleagues, `KeyError` for an
    unknown one, `MissingField` or `TemplateFault`.
    """
    case = queue.one(case_id)
    if case is None:
        raise UnknownCase(case_id)
    customer = case.facts["customer_id"]
    if customer is None:
        raise IllegalMove("nobody knows which customer the case is about")
    if engine.programme.message(template).head.delivery != "customer":
        raise IllegalMove("that message is for colleagues, not for customers")
    ours = {"customer_reference": str(customer), "state": str(case.state.state), "team": case.state.team or "none"}
    message = messages.compose(
        engine, template, key=f"{case_id}|by-hand|{template}|{key}", recipient=("customer", str(customer)),
        values={**values, **ours}, case_id=case_id, severity=case.state.severity, channel=channel,
    )  # fmt: skip
    said = {"message_key": message.key, "template": message.template, "channel": message.channel,
            "purpose": message.purpose}  # fmt: skip
    change = Change(case_id, [Move(EventKind.MESSAGE_QUEUED, said)], actor, engine.at, messages=[message])
    return services.change(change, recorded_at=engine.recorded_at)


def outcome_words(engine: Engine, case: OpenCase, outcome: str, closed_by: Actor) -> list[OutgoingMessage]:
    """To everybody who had the case or opened it by hand, but for whoever closes it: how it ended."""
    owners = [e.payload.get("owner_id") for e in case.events if e.kind is EventKind.ASSIGNED]
    openers = [e.actor_id for e in case.events if e.kind is EventKind.OPENED and e.actor_type == "person"]
    had_a_part = dict.fromkeys(str(person) for person in [*owners, *openers] if person and person != closed_by.id)
    if case.outreach_suppressed:
        return []
    return [
        messages.compose(
            engine, "outcome_told", key=f"{case.case_id}|outcome|{case.state.version}|{person}",
            recipient=("employee", person), values={"outcome": outcome.replace("_", " ")}, case_id=case.case_id,
            severity=case.state.severity, not_before=messages.in_hours(engine, case.state.team, case.state.severity),
        )
        for person in had_a_part
    ]  # fmt: skip
