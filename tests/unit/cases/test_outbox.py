"""What the outbox promises: alerts at least once, messages to customers at most once, and no lease settled twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cases import contacts, outbox, outbox_reading, services
from cases.acting import Change, Move
from cases.models import OutboxAttempt, OutboxMessage
from cases.outbox import Claimed, LostLease, NotParked
from models.case import EventKind
from models.contact import Decision
from models.message import OutgoingMessage
from models.settings import Settings
from tests.unit.cases.builders import ANNA, NOW, act, day, open_one

LEASE = 300
ALLOW = Decision("allow", ("fine",))


def alert(key: str = "a1", **more: object) -> OutgoingMessage:
    """A word to an employee."""
    said = OutgoingMessage(
        key=key, delivery="alert", purpose="internal", channel="email", recipient_type="employee", recipient_id="E1",
        template="assigned", template_version="1", not_before=day(1), body="look", subject="a case",
    )  # fmt: skip
    return replace(said, **more)


def letter(key: str = "m1", **more: object) -> OutgoingMessage:
    """A word to a customer."""
    said = replace(alert(key), delivery="customer", purpose="service", recipient_type="customer", recipient_id="C1")
    return replace(said, **more)


def claim(at: float = 1, *, limit: int = 10, verdict: Decision = ALLOW) -> list[Claimed]:
    """Claim at a day of the test year."""
    return outbox.claim(day(at), limit=limit, lease_seconds=LEASE, decide=lambda _: verdict)


def state(key: str = "m1") -> str:
    return OutboxMessage.objects.get(key=key).state


def kinds(key: str = "m1") -> list[str]:
    return list(OutboxAttempt.objects.filter(message__key=key).order_by("id").values_list("kind", flat=True))


def events(case_id: str) -> list[str]:
    return [event["kind"] for event in services.explain(case_id)["events"]]


def test_a_key_is_one_message_however_often_it_is_queued(ledger: Settings) -> None:
    assert outbox.queue([alert(), alert(body="other words")], NOW) == 1
    assert outbox.queue([alert()], NOW) == 0
    assert OutboxMessage.objects.get().body == "look"


def test_a_message_is_written_with_its_change_or_not_at_all(ledger: Settings) -> None:
    case_id = open_one()
    moves = [Move(EventKind.NOTE_ADDED, {"note": "called"})]
    services.change(Change(case_id, moves, ANNA, day(1), messages=[alert("with")]), recorded_at=NOW)
    refused = [Move(EventKind.LOOP_CLOSED)]
    services.change_all([Change(case_id, refused, ANNA, day(1), messages=[alert("without")])], recorded_at=NOW)
    assert list(OutboxMessage.objects.values_list("key", flat=True)) == ["with"]


def test_nothing_is_claimed_before_its_time(ledger: Settings) -> None:
    outbox.queue([alert(not_before=day(2))], NOW)
    assert claim(1) == []
    assert len(claim(2)) == 1


def test_the_gravest_message_leaves_first(ledger: Settings) -> None:
    outbox.queue([alert("mild", severity=4), alert("grave", severity=1)], NOW)
    assert [message.key for message in claim()] == ["grave", "mild"]


def test_a_claimed_message_is_nobody_elses(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    assert len(claim()) == 1
    assert claim() == []


def test_a_batch_holds_at_most_one_message_to_a_customer_and_nothing_beside_it(ledger: Settings) -> None:
    outbox.queue([letter("c1"), letter("c2"), alert("a1"), alert("a2")], NOW)
    batches = [[message.key for message in claim()] for _ in range(3)]
    assert batches == [["c1"], ["c2"], ["a1", "a2"]]


def test_an_alert_whose_sender_died_is_claimed_again(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    first = claim(1)[0]
    again = claim(2)[0]
    assert (again.message_no, again.attempt) == (first.message_no, 2)
    assert again.token != first.token


def test_a_customers_message_whose_sender_died_is_parked_and_its_case_says_so(ledger: Settings) -> None:
    case_id = open_one()
    outbox.queue([letter(case_id=case_id)], NOW)
    claim(1)
    assert claim(2) == []
    assert state() == "parked"
    assert events(case_id)[-1] == "message_parked"
    assert claim(30) == []


@pytest.mark.parametrize("minutes", [-60 * 24, -61])
def test_a_lease_given_by_a_clock_that_was_set_back_does_not_hold_a_message_for_ever(
    ledger: Settings, minutes: int
) -> None:
    outbox.queue([alert(), letter()], NOW)
    claim(2)
    claim(2)
    back = day(2) + timedelta(minutes=minutes)
    again = outbox.claim(day(2), limit=10, lease_seconds=LEASE, decide=lambda _: ALLOW, clock=back)
    assert [message.key for message in again] == ["a1"]
    assert state() == "parked"


def test_a_lease_runs_on_the_wall_clock_where_the_company_stands_at_its_own_time(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    wall = day(50)

    def at(clock: datetime) -> int:
        return len(outbox.claim(day(1), limit=1, lease_seconds=LEASE, decide=lambda _: ALLOW, clock=clock))

    assert at(wall) == 1
    assert at(wall + timedelta(seconds=LEASE - 1)) == 0
    assert at(wall + timedelta(seconds=LEASE)) == 1


def test_a_lease_longer_than_an_hour_is_refused(ledger: Settings) -> None:
    with pytest.raises(ValueError, match="a lease lasts"):
        outbox.claim(day(1), limit=1, lease_seconds=3_601, decide=lambda _: ALLOW)


def test_only_the_current_lease_settles(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    old, new = claim(1)[0], claim(2)[0]
    with pytest.raises(LostLease):
        outbox.settle(old.message_no, old.token, "sent", day(2))
    assert outbox.settle(new.message_no, new.token, "sent", day(2)) == "sent"
    with pytest.raises(LostLease):
        outbox.settle(new.message_no, new.token, "sent", day(2))


def test_a_sent_message_to_a_customer_is_part_of_the_case(ledger: Settings) -> None:
    case_id = open_one()
    outbox.queue([letter(case_id=case_id)], NOW)
    taken = claim()[0]
    outbox.settle(taken.message_no, taken.token, "sent", day(1))
    told = services.explain(case_id)["events"][-1]
    assert told["kind"] == "message_sent"
    assert told["payload"] == {"message_id": "m1", "channel": "email", "purpose": "service", "template": "assigned"}
    assert services.verify_chain().ok


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], ["message_sent"]),
        (["resolved"], ["message_sent", "customer_informed"]),
        (["resolved", "closed"], ["message_sent", "customer_informed", "loop_closed"]),
    ],
)
def test_the_closure_message_tells_the_customer_and_closes_the_loop_of_a_closed_case(
    ledger: Settings, moves: list[str], expected: list[str]
) -> None:
    case_id = open_one()
    for kind in moves:
        act(case_id, EventKind(kind), outcome_code="in_favour", comment="paid back")
    before = len(events(case_id))
    outbox.queue([letter(case_id=case_id, purpose="closure", not_before=day(101))], NOW)
    taken = claim(101)[0]
    outbox.settle(taken.message_no, taken.token, "sent", day(101))
    assert events(case_id)[before:] == expected


def test_a_failed_message_waits_longer_each_time_and_is_dead_in_the_end(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    now, waits = day(1), []
    for attempt in range(outbox.MOST_ATTEMPTS):
        taken = outbox.claim(now, limit=1, lease_seconds=LEASE, decide=lambda _: ALLOW)[0]
        assert taken.attempt == attempt + 1
        settled = outbox.settle(taken.message_no, taken.token, "failed", now, detail="no connection")
        later = OutboxMessage.objects.get().not_before
        waits.append(later - now)
        now = later
    assert settled == "dead"
    assert all(2 * a <= b * 1.0001 for a, b in itertools.pairwise(waits[:-1]))
    assert waits[0] >= timedelta(minutes=1)
    assert outbox_reading.lines("dead")[0].why == "no connection"


def test_two_messages_that_failed_together_do_not_come_back_together(ledger: Settings) -> None:
    outbox.queue([alert("a"), alert("b")], NOW)
    for taken in claim():
        outbox.settle(taken.message_no, taken.token, "failed", day(1))
    assert len(set(OutboxMessage.objects.values_list("not_before", flat=True))) == 2


def test_what_a_server_refuses_for_good_is_not_tried_again(ledger: Settings) -> None:
    outbox.queue([letter()], NOW)
    taken = claim()[0]
    assert outbox.settle(taken.message_no, taken.token, "refused", day(1), detail="550") == "dead"
    assert claim(60) == []


def test_an_unknown_outcome_parks_a_customers_message_and_retries_an_alert(ledger: Settings) -> None:
    outbox.queue([letter(), alert()], NOW)
    for _ in range(2):
        taken = claim()[0]
        outbox.settle(taken.message_no, taken.token, "unknown", day(1))
    assert (state("m1"), state("a1")) == ("parked", "pending")


def test_a_deferred_message_is_asked_about_again_at_its_time(ledger: Settings) -> None:
    outbox.queue([letter()], NOW)
    assert claim(1, verdict=Decision("defer", ("quiet hours",), day(3))) == []
    assert not outbox.anything_due(day(2))
    assert len(claim(3)) == 1
    assert kinds() == ["decided_defer", "decided_allow", "claimed"]


def test_a_deferral_into_the_past_is_not_asked_about_for_ever(ledger: Settings) -> None:
    outbox.queue([letter()], NOW)
    claim(2, verdict=Decision("defer", ("odd",), day(1)))
    assert not outbox.anything_due(day(2))


def test_a_suppressed_message_never_leaves_and_the_case_says_why(ledger: Settings) -> None:
    case_id = open_one()
    outbox.queue([letter(case_id=case_id)], NOW)
    assert claim(verdict=Decision("suppress", ("on the do-not-contact list",))) == []
    assert state() == "suppressed"
    assert services.explain(case_id)["events"][-1]["payload"]["reason"] == "on the do-not-contact list"
    assert claim(60) == []


def test_alerts_ask_nobodys_consent(ledger: Settings) -> None:
    outbox.queue([alert()], NOW)
    assert len(claim(verdict=Decision("suppress", ("no",)))) == 1


@pytest.mark.parametrize("ending", ["invalidated", "merged"])
def test_nobody_is_reminded_of_a_case_that_is_void(ledger: Settings, ending: str) -> None:
    case_id = open_one()
    other = open_one("t2", customer="C2")
    outbox.queue([alert(case_id=case_id)], NOW)
    act(case_id, EventKind(ending), reason="test entry", into=other)
    assert claim() == []
    assert state("a1") == "cancelled"


def test_a_message_whose_words_were_erased_is_cancelled(ledger: Settings) -> None:
    outbox.queue([letter()], NOW)
    OutboxMessage.objects.update(body=None, subject=None)
    assert claim() == []
    assert (state(), kinds()) == ("cancelled", ["cancelled"])


def parked_one(case_id: str | None = None, **more: object) -> int:
    """A parked message to a customer; its number."""
    outbox.queue([letter(case_id=case_id, **more)], NOW)
    taken = claim()[0]
    outbox.settle(taken.message_no, taken.token, "unknown", day(1))
    return taken.message_no


@pytest.mark.parametrize(
    ("decision", "becomes"), [("send-again", "pending"), ("was-sent", "sent"), ("drop", "cancelled")]
)
def test_a_person_decides_about_a_parked_message_once(ledger: Settings, decision: outbox.Release, becomes: str) -> None:
    number = parked_one()
    assert outbox.release(number, decision, by=ANNA, reason="asked the customer", now=day(2)) == becomes
    assert OutboxAttempt.objects.last().detail == "E-anna: asked the customer"
    with pytest.raises(NotParked):
        outbox.release(number, decision, by=ANNA, reason="again", now=day(2))


def test_a_release_says_why(ledger: Settings) -> None:
    with pytest.raises(ValueError, match="say why"):
        outbox.release(parked_one(), "drop", by=ANNA, reason=" ", now=day(2))


def test_what_is_sent_again_is_judged_again(ledger: Settings) -> None:
    outbox.release(parked_one(), "send-again", by=ANNA, reason="bounced", now=day(2))
    assert claim(2, verdict=Decision("suppress", ("said no since",))) == []
    assert state() == "suppressed"


def test_a_message_a_person_says_was_sent_is_in_the_persons_name(ledger: Settings) -> None:
    case_id = open_one()
    outbox.release(parked_one(case_id), "was-sent", by=ANNA, reason="the customer has it", now=day(2))
    told = services.explain(case_id)["events"][-1]
    assert (told["kind"], told["actor_id"]) == ("message_sent", "E-anna")


def test_after_a_restore_no_customer_is_written_to_without_a_person(ledger: Settings) -> None:
    outbox.queue([letter("pending"), letter("leased", severity=1), alert("alert", severity=2)], NOW)
    claim()
    assert outbox.park_after_restore(day(2)) == 2
    assert [message.key for message in claim(3)] == ["alert"]
    assert {message.key for message in outbox_reading.parked()} == {"pending", "leased"}


def test_messages_of_a_person_count_across_cases_from_when_they_may_have_left(ledger: Settings) -> None:
    case_ids = [open_one(), open_one("t2", cause="other")]
    outbox.queue(
        [letter("one", case_id=case_ids[0]), letter("two", case_id=case_ids[1]), letter("other", recipient_id="C2")],
        NOW,
    )
    sent = claim(5)[0]
    outbox.settle(sent.message_no, sent.token, "sent", day(5.001))
    claim(6)
    assert outbox_reading.sent_to("C1") == (day(5.001), day(6))
    assert outbox_reading.sent_to("C1", uncounted=("service",)) == ()
    assert contacts.facts_about("C1", case_id=None).contacts == (day(5.001), day(6))


def test_a_parked_message_counts_as_a_contact(ledger: Settings) -> None:
    parked_one()
    assert outbox_reading.sent_to("C1") == (day(1),)


def test_counts_name_every_state_and_add_up(ledger: Settings) -> None:
    outbox.queue([letter(), alert("a1"), alert("a2")], NOW)
    claim()
    counts = outbox_reading.counts()
    assert set(counts) == set(outbox_reading.STATES)
    assert (counts["leased"], counts["pending"], sum(counts.values())) == (1, 2, 3)


class Sending(RuleBasedStateMachine):
    """Senders that come, die and come back, against what really left."""

    new_ledger: Callable[[], Settings]

    def __init__(self) -> None:
        super().__init__()
        type(self).new_ledger()
        self.now = day(1)
        self.queued = 0
        self.held: list[Claimed] = []
        self.left: dict[str, int] = {}
        self.allowed: set[str] = set()

    @rule(kind=st.sampled_from(["alert", "customer"]))
    def queue(self, kind: str) -> None:
        self.queued += 1
        key = f"{kind}{self.queued}"
        message = alert(key) if kind == "alert" else letter(key, recipient_id=f"C{self.queued}")
        outbox.queue([message], self.now)

    @rule(verdict=st.sampled_from(["allow", "allow", "defer", "suppress"]), limit=st.integers(1, 4))
    def claim(self, verdict: str, limit: int) -> None:
        answer = Decision(verdict, ("so",), self.now + timedelta(minutes=7) if verdict == "defer" else None)
        taken = outbox.claim(self.now, limit=limit, lease_seconds=LEASE, decide=lambda _: answer)
        self.allowed.update(message.key for message in taken)
        self.held += taken

    @precondition(lambda self: self.held)
    @rule(result=st.sampled_from(["sent", "failed", "refused", "unknown", "died"]), which=st.integers(0, 9))
    def end(self, result: str, which: int) -> None:
        message = self.held.pop(which % len(self.held))
        if result in ("sent", "unknown"):
            self.left[message.key] = self.left.get(message.key, 0) + 1
        if result == "died":
            return
        try:
            outbox.settle(message.message_no, message.token, result, self.now)
        except LostLease:
            return

    @rule(minutes=st.sampled_from([1, 6, 90]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        # A live sender begins nothing late: what it held of customers is parked meanwhile, and it never hands it over.
        if minutes >= 5:
            self.held = []

    @invariant()
    def customers_get_it_once_and_only_when_allowed(self) -> None:
        customers = {key: count for key, count in self.left.items() if key.startswith("customer")}
        assert all(count == 1 for count in customers.values())
        assert customers.keys() <= self.allowed

    @invariant()
    def messages_add_up(self) -> None:
        assert sum(outbox_reading.counts().values()) == self.queued

    @invariant()
    def what_counts_as_sent_left(self) -> None:
        sent = set(OutboxMessage.objects.filter(state="sent").values_list("key", flat=True))
        assert sent <= self.left.keys()


def test_senders_that_die_at_any_time_double_nothing_for_customers(new_ledger: Callable[[], Settings]) -> None:
    Sending.new_ledger = staticmethod(new_ledger)
    run_state_machine_as_test(
        Sending,
        settings=hypothesis_settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
