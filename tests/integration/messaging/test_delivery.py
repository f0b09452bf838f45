"""From the outbox to whoever it is for: policy asked when sending, addresses opened only for what really leaves."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from cases import contacts, outbox, outbox_reading, services
from cases.erasure import erase_customer
from cases.models import OutboxAttempt, OutboxMessage
from casework import addresses, delivery, messages, moves
from casework.engine import Engine
from intake.vault import forget_subject
from messaging.envelope import Envelope, Outcome
from models.case import Actor
from models.message import OutgoingMessage
from models.settings import Settings
from tests.integration.messaging.conftest import MONDAY
from tests.integration.messaging.test_smtp import Server, _free_port

At = Callable[..., Engine]
ANN = Actor("person", "E1")


def word(key: str = "m1", to: str = "CU1", **more: object) -> OutgoingMessage:
    """An answer to a customer, due now."""
    said = OutgoingMessage(
        key=key, delivery="customer", purpose="service", channel="email", recipient_type="customer", recipient_id=to,
        template="acknowledgement", template_version="1", not_before=MONDAY, body="We are on it.", subject="Your case",
    )  # fmt: skip
    return replace(said, **more)


def alert(key: str = "a1", **more: object) -> OutgoingMessage:
    """A word to the agent, due now."""
    return word(key, "E1", delivery="alert", purpose="internal", channel="chat", recipient_type="employee", **more)


def state(key: str = "m1") -> str:
    return OutboxMessage.objects.get(key=key).state


def why(key: str = "m1") -> str:
    return OutboxAttempt.objects.filter(message__key=key).order_by("id").last().detail


def written(home: Settings) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(home.outgoing.glob("*.json"))]


class Fixed:
    """A way out that always answers the same and keeps what it was given."""

    def __init__(self, result: str = "sent") -> None:
        self.outcome, self.taken = Outcome(result, "so"), list[Envelope]()

    def send(self, envelope: Envelope) -> Outcome:
        self.taken.append(envelope)
        return self.outcome


@pytest.fixture
def mail_server() -> Iterator[tuple[Server, dict[str, Any]]]:
    """A mail server, and the settings that lead to it."""
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=_free_port())
    controller.start()
    ways = {"transport": "smtp", "smtp_host": "127.0.0.1", "smtp_port": controller.port, "smtp_starttls": False,
            "smtp_sender": "care@bank.example"}  # fmt: skip
    yield server, ways
    controller.stop()


def test_by_default_messages_become_files_that_name_nobodys_address(at: At, home: Settings) -> None:
    outbox.queue([word(), alert()], MONDAY)
    report = delivery.send_due(at())
    assert (report.claimed, report.sent) == (2, 2)
    assert {file["address"] for file in written(home)} == {"customer:CU1", "employee:E1"}
    assert "x.example" not in str(written(home))


def test_nothing_is_sent_twice_however_often_the_round_is_run(at: At) -> None:
    outbox.queue([word(), alert()], MONDAY)
    way = Fixed()
    for _ in range(3):
        delivery.send_due(at(), transport=way)
    assert len(way.taken) == 2


def test_mail_goes_to_the_address_in_the_vault(at: At, mail_server: tuple[Server, dict[str, Any]]) -> None:
    server, ways = mail_server
    outbox.queue([word(), alert()], MONDAY)
    assert delivery.send_due(at(**ways)).sent == 2
    assert sorted(taken.rcpt_tos[0] for taken in server.taken) == ["ann@bank.example", "kim@x.example"]


def test_no_address_stays_behind_in_the_ledger(at: At, mail_server: tuple[Server, dict[str, Any]]) -> None:
    server, ways = mail_server
    server.rcpt = "550 <kim@x.example> unknown"
    outbox.queue([word()], MONDAY)
    assert delivery.send_due(at(**ways)).refused == 1
    assert not any("x.example" in detail for detail in OutboxAttempt.objects.values_list("detail", flat=True))
    assert "x.example" not in str(OutboxMessage.objects.values_list("last_error", flat=True))


def test_a_text_message_is_not_mailed(at: At, home: Settings, mail_server: tuple[Server, dict[str, Any]]) -> None:
    server, ways = mail_server
    outbox.queue([word(channel="sms")], MONDAY)
    assert delivery.send_due(at(**ways)).sent == 1
    assert server.taken == []
    assert [file["channel"] for file in written(home)] == ["sms"]


def test_an_erased_person_has_no_address(at: At, home: Settings, mail_server: tuple[Server, dict[str, Any]]) -> None:
    server, ways = mail_server
    outbox.queue([word()], MONDAY)
    forget_subject(home, "customer:CU1")
    assert delivery.send_due(at(**ways)).refused == 1
    assert (server.taken, state()) == ([], "dead")


def test_an_erased_message_is_given_up(at: At) -> None:
    outbox.queue([word()], MONDAY)
    erase_customer("CU1", at=MONDAY)
    way = Fixed()
    assert delivery.send_due(at(), transport=way).claimed == 0
    assert (way.taken, state()) == ([], "cancelled")


def test_who_must_not_be_contacted_is_not_and_the_list_holds_no_address(at: At) -> None:
    assert addresses.forbid(at(), "  KIM@x.example ", reason="asked") is True
    assert addresses.forbid(at(), "kim@X.example", reason="asked again") is False
    outbox.queue([word()], MONDAY)
    assert delivery.send_due(at(), transport=Fixed()).claimed == 0
    assert (state(), why()) == ("suppressed", "the address is on the do-not-contact list")


def test_the_do_not_contact_list_knows_a_telephone_number_however_it_is_written(at: At) -> None:
    addresses.forbid(at(), "001 (555) 01-00", reason="asked")
    outbox.queue([word(channel="sms")], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert state() == "suppressed"


def test_the_do_not_contact_list_outlives_the_person(at: At, home: Settings) -> None:
    addresses.forbid(at(), "kim@x.example", reason="asked")
    forget_subject(home, "customer:CU1")
    outbox.queue([word()], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert state() == "suppressed"


@pytest.mark.parametrize(
    ("to", "channel", "purpose", "expected"),
    [
        ("CU1", "email", "service", "sent"),
        ("CU1", "email", "referral", "suppressed"),
        ("CU1", "email", "survey", "suppressed"),
        ("CU2", "email", "service", "suppressed"),
        ("CU3", "email", "service", "suppressed"),
        ("CU3", "sms", "service", "sent"),
        ("nobody-knows", "email", "service", "dead"),
    ],
)
def test_consent_and_vulnerability_decide_when_sending(
    at: At, to: str, channel: str, purpose: str, expected: str
) -> None:
    outbox.queue([word(to=to, channel=channel, purpose=purpose)], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert state() == expected


@pytest.mark.parametrize(("said", "expected"), [(True, "sent"), (False, "suppressed")])
def test_what_a_customer_told_us_counts_before_what_the_crm_has_on_file(at: At, said: bool, expected: str) -> None:
    to = "CU3" if said else "CU1"
    contacts.record_consent(
        to, "email", "service", is_allowed=said, since=MONDAY, recorded_at=MONDAY, source="phone call"
    )
    outbox.queue([word(to=to)], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert state() == expected


def test_the_word_of_the_latest_date_counts_whenever_it_was_recorded(at: At) -> None:
    for said, day in ((False, 10), (True, 2)):
        contacts.record_consent(
            "CU1", "email", "service", is_allowed=said, since=MONDAY - timedelta(days=20 - day), recorded_at=MONDAY,
            source="letter",
        )  # fmt: skip
    outbox.queue([word()], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert state() == "suppressed"


def test_consent_to_something_nobody_asks_for_is_refused(at: At) -> None:
    at()
    with pytest.raises(ValueError, match="consent is given"):
        contacts.record_consent("CU1", "email", "all", is_allowed=True, since=MONDAY, recorded_at=MONDAY, source="x")


def test_nobody_is_written_to_at_night(at: At) -> None:
    night = MONDAY.replace(hour=3)
    outbox.queue([word(not_before=night), alert(not_before=night)], night)
    way = Fixed()
    assert delivery.send_due(at(night), transport=way).sent == 1
    assert [envelope.channel for envelope in way.taken] == ["chat"]
    assert delivery.send_due(at(MONDAY), transport=way).sent == 1


def test_two_cases_do_not_write_to_one_person_on_one_day(at: At) -> None:
    outbox.queue([word("one"), word("two"), word("done", purpose="closure")], MONDAY)
    delivery.send_due(at(), transport=Fixed())
    assert sorted((state("one"), state("two"))) == ["pending", "sent"]
    assert state("done") == "sent"
    delivery.send_due(at(MONDAY + timedelta(days=4)), transport=Fixed())
    assert (state("one"), state("two")) == ("sent", "sent")


def test_a_round_is_not_stopped_by_those_who_may_not_be_written_to(at: At) -> None:
    outbox.queue([word(f"no{i}", "CU3", severity=1) for i in range(250)] + [word("yes", severity=4)], MONDAY)
    assert delivery.send_due(at(), transport=Fixed()).sent == 1
    assert outbox_reading.counts()["suppressed"] == 250


def test_an_outcome_nobody_knows_waits_for_a_person(at: At) -> None:
    outbox.queue([word(), alert()], MONDAY)
    report = delivery.send_due(at(), transport=Fixed("unknown"))
    assert report.unknown == 2
    assert (state("m1"), state("a1")) == ("parked", "pending")


def test_a_batch_that_takes_too_long_is_left_to_whoever_comes_next(at: At) -> None:
    """The lease would end while the last of them are being sent, and somebody else would send them too."""
    outbox.queue([alert(f"a{i}") for i in range(4)], MONDAY)
    ticking = iter(MONDAY + timedelta(seconds=100) * step for step in range(100))
    way = Fixed()
    report = delivery.send_due(at(), transport=way, clock=lambda: next(ticking), limit=4)
    assert (report.sent, report.lost) == (1, 3)
    assert outbox_reading.counts()["leased"] == 3


def test_a_lease_lost_while_sending_is_told_and_stops_nothing(at: At) -> None:
    class Slow(Fixed):
        def send(self, envelope: Envelope) -> Outcome:
            OutboxMessage.objects.filter(state="leased").update(lease_token="somebody else's")
            return super().send(envelope)

    outbox.queue([word()], MONDAY)
    assert delivery.send_due(at(), transport=Slow()).lost == 1


def test_the_message_id_is_stable_secret_and_says_nothing(at: At, home: Settings) -> None:
    at()
    first = delivery.message_id(home, "C-123|assigned|E1")
    assert first == delivery.message_id(home, "C-123|assigned|E1")
    assert first != delivery.message_id(home, "C-123|assigned|E2")
    assert "C-123" not in first
    assert stat.S_IMODE((home.home / "message.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("transport", ["smtp", "webhook", "apprise"])
def test_a_transport_without_its_settings_sends_nothing(at: At, transport: str) -> None:
    outbox.queue([alert()], MONDAY)
    with pytest.raises(ValueError, match="AMENDS_"):
        delivery.send_due(at(transport=transport))
    assert state("a1") == "pending"


def test_the_closure_message_closes_the_loop(at: At) -> None:
    engine = at()
    case_id = moves.open_by_hand(engine, actor=ANN, reason="a fee", severity=3, customer_id="CU1", key="k")
    from models.case import EventKind

    moves.act(engine, case_id, EventKind.RESOLVED, {}, actor=ANN)
    moves.act(engine, case_id, EventKind.CLOSED, {"outcome_code": "in_favour", "comment": "paid back"}, actor=ANN)
    said = messages.compose(
        engine, "closure", key=f"{case_id}|closure", recipient=("customer", "CU1"), case_id=case_id,
        values={"you_said": "the fee was wrong", "we_did": "paid it back"},
    )  # fmt: skip
    outbox.queue([said], engine.recorded_at)
    delivery.send_due(engine, transport=Fixed())
    told = services.state_of(case_id)
    assert (told.state, told.customer_informed_at) == (
        "loop_closed",
        datetime.fromisoformat("2026-01-05T14:30:00+00:00"),
    )
    assert services.verify_chain().ok
