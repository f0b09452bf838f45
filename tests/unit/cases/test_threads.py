"""Threads are read and written by whoever sees what they are about; their words can be erased."""

from __future__ import annotations

import pytest

from cases import services, threads
from cases.erasure import erase_customer
from cases.errors import UnknownCase
from cases.models import EventText, OutboxMessage, Post
from cases.scope import Forbidden
from models.access import Role
from models.case import EventKind
from models.settings import Settings
from tests.unit.cases.builders import act, day
from tests.unit.cases.org import open_in, repository


def test_a_thread_of_a_case_is_as_visible_as_the_case(ledger: Settings) -> None:
    case_id = open_in("a", team="service-desk")
    ann, nia = repository("ann", "agent"), repository("nia", "agent")
    said = threads.add_post(ann, "case", case_id, "who knows this customer?", at=day(1))
    threads.add_post(repository("lead", "team_lead"), "case", case_id, "I do", at=day(2), reply_to=said.post_id)
    assert [(p.author_id, p.reply_to) for p in threads.posts(ann, "case", case_id)] == [
        ("ann", None), ("lead", said.post_id)
    ]  # fmt: skip
    for try_it in (
        lambda: threads.posts(nia, "case", case_id),
        lambda: threads.add_post(nia, "case", case_id, "hello", at=day(3)),
        lambda: threads.posts(nia, "case", "C-NOSUCH"),
    ):
        with pytest.raises(UnknownCase):
            try_it()
    assert Post.objects.count() == 2


@pytest.mark.parametrize(
    ("who", "role", "subject", "is_seen"),
    [
        ("ann", "agent", ("cause", "fee_dispute"), True), ("nia", "agent", ("cause", "fee_dispute"), False),
        ("ann", "agent", ("cause", "other"), False), ("ada", "analyst", ("cause", "fee_dispute"), True),
        ("ann", "agent", ("report", "weekly"), False), ("lead", "team_lead", ("report", "weekly"), True),
        ("qia", "qa", ("report", "weekly"), True), ("ann", "agent", ("programme", "survey-wording"), True),
    ],
)  # fmt: skip
def test_causes_are_for_who_has_a_case_of_them_and_reports_not_for_agents(
    ledger: Settings, who: str, role: Role, subject: tuple[threads.SubjectType, str], is_seen: bool
) -> None:
    open_in("a", team="service-desk")
    cases = repository(who, role)
    if is_seen:
        threads.add_post(cases, *subject, "a word", at=day(1))
        assert len(threads.posts(cases, *subject)) == 1
    else:
        with pytest.raises(UnknownCase):
            threads.posts(cases, *subject)


def test_those_who_only_keep_the_record_do_not_discuss(ledger: Settings) -> None:
    case_id = open_in("a", team="service-desk")
    for role in ("dpo", "auditor"):
        with pytest.raises(Forbidden):
            threads.add_post(repository("x", role), "case", case_id, "hm", at=day(1))


def test_an_answer_stays_in_its_thread(ledger: Settings) -> None:
    a, b = open_in("a", team="service-desk"), open_in("b", team="service-desk")
    ann = repository("ann", "agent")
    said = threads.add_post(ann, "case", a, "one", at=day(1))
    with pytest.raises(UnknownCase):
        threads.add_post(ann, "case", b, "two", at=day(1), reply_to=said.post_id)


@pytest.mark.parametrize("body", ["", "  \n", "x" * (threads.LONGEST + 1)])
def test_an_empty_or_endless_post_is_refused(ledger: Settings, body: str) -> None:
    case_id = open_in("a", team="service-desk")
    with pytest.raises(ValueError, match="characters"):
        threads.add_post(repository("ann", "agent"), "case", case_id, body, at=day(1))


def test_erasing_a_customer_takes_the_words_and_leaves_the_record(ledger: Settings) -> None:
    case_id, other = open_in("a", team="service-desk"), open_in("b", team="service-desk")
    ann = repository("ann", "agent")
    for about in (case_id, other):
        act(about, EventKind.NOTE_ADDED, note="called at home")
        threads.add_post(ann, "case", about, "at home", at=day(1))
        _message(about)
    erased = erase_customer("C-a")
    assert (erased.cases, erased.typed_texts, erased.posts, erased.messages) == (1, 1, 1, 1)
    assert [p.body for p in threads.posts(ann, "case", case_id)] == [None]
    assert [p.body for p in threads.posts(ann, "case", other)] == ["at home"]
    assert EventText.objects.count() == 1
    assert {m.case_id: (m.body, m.state) for m in OutboxMessage.objects.all()} == {
        case_id: (None, "cancelled"), other: ("words", "pending"),
    }  # fmt: skip
    assert services.verify_chain().ok
    assert erase_customer("C-a").typed_texts == 0


def _message(case_id: str) -> None:
    OutboxMessage.objects.create(
        key=f"k-{case_id}", case_id=case_id, delivery="customer", purpose="service", channel="email",
        recipient_type="customer", recipient_id="x", template="t", template_version="1", subject="s", body="words",
        created_at=day(1), not_before=day(1), state="pending",
    )  # fmt: skip
