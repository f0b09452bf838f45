"""Offers as people make them: the right one found, the right person told, the role HR gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from cases import outbox_reading, services
from cases.errors import UnknownCase
from cases.models import OutboxMessage
from cases.offers import OfferRefused
from casework import moves, offering
from casework.engine import Engine
from models.case import Actor, EventKind
from tests.unit.casework.builders import open_case
from tests.unit.casework.conftest import MONDAY

At = Callable[[datetime], Engine]
ANN, LEAD = Actor("person", "E-ann"), Actor("person", "E-lead")
REFUND = "refund_amount"


def owned(engine: Engine, name: str = "t1", severity: int = 2) -> str:
    """A case that is Ann's; its id."""
    case_id = open_case(engine, name, severity=severity, journey="payments")
    moves.act(engine, case_id, EventKind.ASSIGNED, {"owner_id": "E-ann"}, actor=LEAD)
    return case_id


def told() -> list[tuple[str, str]]:
    """Who was told that an approval is needed."""
    rows = OutboxMessage.objects.filter(template="approval_needed").order_by("message_no")
    return list(rows.values_list("recipient_type", "recipient_id"))


def test_a_small_offer_needs_nobody_and_is_issued(at: At) -> None:
    engine = at(MONDAY)
    case_id = owned(engine)
    assert offering.request(engine, case_id, REFUND, Decimal(25), by=ANN) is None
    code = offering.issue(engine, case_id, REFUND, by=ANN)
    assert told() == []
    assert offering.of_case(engine, case_id) == [
        {"offer_code": REFUND, "state": "issued", "amount_usd": "25", "asked_by": "E-ann", "needs_role": None,
         "redemption_code": code}
    ]  # fmt: skip


def test_a_large_one_is_put_before_the_boss_in_the_same_transaction(at: At) -> None:
    engine = at(MONDAY)
    case_id = owned(engine)
    assert offering.request(engine, case_id, REFUND, Decimal(150), by=ANN) == "team_lead"
    assert told() == [("employee", "E-lead")]
    assert "150.00 USD" in str(OutboxMessage.objects.get(template="approval_needed").subject)
    offering.approve(engine, case_id, REFUND, by=LEAD)
    offering.issue(engine, case_id, REFUND, by=ANN)
    assert services.verify_chain().ok


def test_whoever_asks_is_not_told_to_agree(at: At) -> None:
    engine = at(MONDAY)
    offering.request(engine, owned(engine), REFUND, Decimal(150), by=LEAD)
    assert [kind for kind, _ in told()] == ["team"]


@pytest.mark.parametrize("who", ["E-ann", "E-bob", "E-nobody"])
def test_only_a_role_of_hr_agrees(at: At, who: str) -> None:
    engine = at(MONDAY)
    case_id = owned(engine)
    offering.request(engine, case_id, REFUND, Decimal(150), by=ANN)
    with pytest.raises(OfferRefused):
        offering.approve(engine, case_id, REFUND, by=Actor("person", who))


def test_a_refusal_keeps_no_personal_data_in_the_chain(at: At) -> None:
    engine = at(MONDAY)
    case_id = owned(engine)
    offering.request(engine, case_id, REFUND, Decimal(150), by=ANN)
    offering.refuse(engine, case_id, REFUND, by=LEAD, reason="told jane.doe@example.com so already")
    assert "jane.doe" not in str(services.explain(case_id)["events"])


def test_an_offer_nobody_knows_is_refused_with_those_there_are(at: At) -> None:
    engine = at(MONDAY)
    with pytest.raises(OfferRefused, match=REFUND):
        offering.request(engine, owned(engine), "yacht", Decimal(1), by=ANN)
    with pytest.raises(UnknownCase):
        offering.request(engine, "C-NOBODY", REFUND, Decimal(1), by=ANN)


def test_a_refused_request_tells_nobody(at: At) -> None:
    engine = at(MONDAY)
    with pytest.raises(OfferRefused):
        offering.request(engine, owned(engine), REFUND, Decimal(5_000), by=ANN)
    assert told() == []
    assert outbox_reading.lines("pending", 10) != []
