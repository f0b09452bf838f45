"""Each invariant turns red when, and only when, what it asks about was broken; on a whole ledger all are green."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection

from cases import invariants, outbox, services, standings, store
from cases.db import write_transaction
from cases.episodes import View, Walk
from cases.models import Offer, OutboxAttempt, OutboxMessage
from cases.rows import Draft
from models.case import EventKind, State
from models.contact import Decision
from models.facts import TriggerFact
from models.message import OutgoingMessage
from models.playbook import Approval
from models.playbook import Offer as Terms
from models.settings import Settings
from tests.unit.cases.builders import ANNA, NOW, act, day, open_one, resolution, tamper, trigger

REFUND = Terms(
    code="refund", title="Refund", cap_usd_by_severity={1: Decimal(200), 2: Decimal(100), 3: Decimal(100)},
    per_customer_12_months_usd=Decimal(150), max_per_customer_12_months=2,
    approvals=(Approval(above_usd=Decimal(50), role="team_lead"),),
)  # fmt: skip


def facts() -> list[TriggerFact]:
    return [trigger(f"t{i}", i, customer=f"C{i % 4}", cause=f"cause-{i % 3}") for i in range(24)]


def message(name: str, delivery: str = "customer") -> OutgoingMessage:
    to = "customer" if delivery == "customer" else "team"
    return OutgoingMessage(
        key=name, delivery=delivery, purpose="service", channel="email", recipient_type=to, recipient_id="C1",  # type: ignore[arg-type]
        template="t", template_version="1", not_before=day(0), body="words", case_id=None,
    )  # fmt: skip


def sent(name: str, delivery: str = "customer", result: outbox.Result = "sent") -> int:
    """Queue a message, let it out, and say what became of it."""
    outbox.queue([message(name, delivery)], day(0))
    (claimed,) = outbox.claim(day(1), limit=9, lease_seconds=60, decide=lambda _: Decision("allow", ()))
    outbox.settle(claimed.message_no, claimed.token, result, day(1))
    return claimed.message_no


def offer(case_id: str, amount: int, at: float, *, code: str = "refund", customer: str = "C1", by: str = "E2") -> None:
    """An offer as `cases.offers` would leave it, without its checks."""
    from cases import acting

    said = {"offer_code": code, "amount_usd": str(amount)}
    asked = acting.Move(EventKind.OFFER_REQUESTED, said)
    acting.make(
        acting.Change(case_id, [asked, acting.Move(EventKind.OFFER_ISSUED, said)], ANNA, day(100)), recorded_at=NOW
    )
    Offer.objects.create(
        case_id=case_id, offer_code=code, customer_id=customer, amount_usd=Decimal(amount), issued_at=day(at),
        issued_by=ANNA.id, approved_by=by, redemption_code=f"{case_id}-{code}",
    )  # fmt: skip


@pytest.fixture
def filled(ledger: Settings) -> Settings:
    """A ledger with cases in several states, messages of every fate, and an offer."""
    services.open_cases(facts(), [resolution("r", 30, about="t1")], recorded_at=NOW)
    case_id = services.case_of_trigger("t2")
    act(case_id, EventKind.NOTE_ADDED, note="called")
    for name, delivery, result in (
        ("a", "customer", "sent"), ("b", "customer", "unknown"), ("c", "customer", "refused"), ("d", "alert", "failed"),
    ):  # fmt: skip
        sent(name, delivery, result)  # type: ignore[arg-type]
    offer(case_id, 40, 100)
    return ledger


def red() -> set[str]:
    """Names of the invariants that do not hold."""
    return {name for name, found in look().items() if not found.ok}


def look(terms: Callable[[datetime], dict[str, Terms]] = lambda _: {"refund": REFUND}) -> dict[str, invariants.Verdict]:
    return invariants.of_ledger(triggers=facts(), terms=terms)


def test_all_hold_in_a_ledger_nobody_tampered_with(filled: Settings) -> None:
    assert red() == set()
    assert {name: found.checked > 0 for name, found in look().items()} == dict.fromkeys(look(), True)


def test_a_trigger_without_a_case_is_found(filled: Settings) -> None:
    more = [*facts(), trigger("t99", 99)]
    found = invariants.of_ledger(triggers=more, terms=lambda _: {"refund": REFUND})
    assert {name for name, one in found.items() if not one.ok} == {"I1"}
    assert found["I1"].problems == ("trigger t99 has no case",)


def test_triggers_nobody_detects_any_more_are_told_and_no_problem(filled: Settings) -> None:
    found = invariants.every_trigger_has_a_case(facts()[:20])
    assert found.ok and "4 triggers" in found.notes[0]


def test_a_second_open_case_of_one_key_is_found(filled: Settings) -> None:
    """As if the view of what is open had been forgotten: the chain is whole, the case is one too many."""
    with write_transaction():
        walk = Walk(View(), Draft(NOW, store.counters()))
        walk.trigger(trigger("again", 40, customer="C2", cause="cause-0"))
        store.write(walk.finish())
    assert red() == {"I2"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_standing SET severity = 1 WHERE case_no = 1",
        "DELETE FROM cases_standing WHERE case_no = 2",
        "UPDATE cases_caseevent SET actor_id = 'somebody' WHERE event_id = 3",
        "UPDATE cases_case SET customer_id = 'C9' WHERE case_no = 3",
    ],
)
def test_a_history_or_standing_that_was_altered_is_found(filled: Settings, statement: str) -> None:
    tamper(statement)
    assert red() == {"I3"}


def test_a_sampled_comparison_looks_at_its_share_of_standings(filled: Settings) -> None:
    tamper("UPDATE cases_standing SET version = version + 1")
    assert len(list(standings.differing())) == services.counts().cases
    assert len(list(standings.differing(3))) == services.counts().cases // 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_outboxmessage SET state = 'lost' WHERE key = 'd'",
        "UPDATE cases_outboxmessage SET state = 'pending' WHERE key = 'a'",
        "UPDATE cases_outboxmessage SET state = 'sent' WHERE key = 'd'",
        "UPDATE cases_outboxmessage SET state = 'suppressed' WHERE key = 'd'",
        "DELETE FROM cases_outboxattempt WHERE kind = 'decided_allow'",
    ],
)
def test_a_message_that_does_not_add_up_is_found(filled: Settings, statement: str) -> None:
    tamper(statement)
    assert red() == {"I4"}


def test_a_customer_message_sent_twice_is_found(filled: Settings) -> None:
    number = OutboxMessage.objects.get(key="a").message_no
    OutboxAttempt.objects.create(message_id=number, kind="sent", at=day(2), detail="")
    assert red() == {"I5"}


def test_a_customer_message_taken_again_though_it_may_have_left_is_found(filled: Settings) -> None:
    number = OutboxMessage.objects.get(key="b").message_no
    OutboxAttempt.objects.create(message_id=number, kind="claimed", at=day(2), detail="")
    assert red() == {"I5"}


def test_a_parked_message_a_person_lets_go_is_no_repeat(filled: Settings) -> None:
    number = OutboxMessage.objects.get(key="b").message_no
    outbox.release(number, "send-again", by=ANNA, reason="the server lost it", now=day(3))
    (claimed,) = outbox.claim(day(4), limit=9, lease_seconds=60, decide=lambda m: Decision("allow", ()))[:1]
    assert red() == set()
    outbox.settle(claimed.message_no, claimed.token, "sent", day(4))
    assert red() == set()


@pytest.mark.parametrize(
    ("amount", "others", "by"),
    [(101, [], "E2"), (60, [100], "E2"), (10, [30, 30], "E2"), (60, [], None), (60, [], ANNA.id)],
    ids=["over the cap", "over the year's sum", "one too many", "nobody agreed", "agreed by who asked"],
)
def test_an_offer_beyond_its_caps_is_found(ledger: Settings, amount: int, others: list[int], by: str | None) -> None:
    services.open_cases(facts(), recorded_at=NOW)
    # A severity 1 cap of 200 would hide what is over the cap of 100.
    terms = REFUND.model_copy(update={"cap_usd_by_severity": {3: Decimal(100)}})
    ids = [services.case_of_trigger(f"t{i}") for i in range(3)]
    for number, other in enumerate(others):
        offer(ids[number], other, 50 + number)
    assert not others or all(found.ok for found in look(lambda _: {"refund": terms}).values())
    offer(ids[2], amount, 60, by=by)  # type: ignore[arg-type]
    found = look(lambda _: {"refund": terms})
    assert {name for name, one in found.items() if not one.ok} == {"I6"}


def test_an_offer_its_case_does_not_tell_is_found(filled: Settings) -> None:
    Offer.objects.create(
        case_id=services.case_of_trigger("t5"), offer_code="refund", customer_id="C9", amount_usd=Decimal(5),
        issued_at=day(90), issued_by=ANNA.id, redemption_code="x",
    )  # fmt: skip
    assert red() == {"I6"}


def test_an_event_that_cannot_be_read_is_found(filled: Settings) -> None:
    """Chained and lawful, but its payload is no object: nobody could explain the case."""
    case_id = services.case_of_trigger("t3")
    seq = services.state_of(case_id).version + 1
    with write_transaction():
        draft = Draft(NOW, store.counters())
        draft.add_event(case_id, seq, EventKind.CONTACTED, at=day(1), after=State.IN_PROGRESS, payload=[])  # type: ignore[arg-type]
        store.write_events(draft)
    standings_of = list(standings.differing())
    tamper(*(f"DELETE FROM cases_standing WHERE case_id = '{name}'" for name in standings_of))
    standings.rebuild_missing()
    assert red() == {"I8"}


@pytest.mark.sqlite_only
def test_a_row_that_refers_to_nothing_is_found(filled: Settings) -> None:
    tamper("INSERT INTO cases_eventtext (event_id, key, body) VALUES (999999, 'note', 'whose?')")
    assert red() == {"I8"}
    connection.close()


def test_a_case_opened_by_nothing_is_found(filled: Settings) -> None:
    case_id = open_one("lonely", 50, customer="C50")
    tamper(f"DELETE FROM cases_casetrigger WHERE case_id = '{case_id}'")
    # The chain vouches for triggers as well, so it misses this one too.
    assert red() == {"I1", "I3"}
