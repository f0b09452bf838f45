"""Tokens open what they were made for until they end, and an idempotency key gives one answer."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import access
from cases.models import AccessToken, IdempotentAnswer
from models.access import Principal
from models.settings import Settings
from tests.unit.cases.builders import day


def test_a_token_names_its_principal_until_it_ends_or_is_revoked(ledger: Settings) -> None:
    token = access.issue_token("E1", "agent", at=day(0), expires_at=day(10))
    assert access.principal_of(token, at=day(9.9)) == Principal("E1", "agent")
    assert access.principal_of(token, at=day(10)) is None
    assert access.principal_of(token, at=day(-0.1)) is None
    (told,) = access.tokens()
    access.revoke_token(told.fingerprint, at=day(1))
    assert access.principal_of(token, at=day(2)) is None
    assert access.revoke_token(told.fingerprint, at=day(3)).revoked_at == day(1)


@pytest.mark.sqlite_only
def test_the_ledger_holds_no_token(ledger: Settings) -> None:
    token = access.issue_token("E1", "agent", at=day(0), expires_at=day(10))
    assert AccessToken.objects.get().token_hash == sha256(token.encode()).hexdigest()
    with sqlite3.connect(ledger.ledger_path) as connection:
        assert not [line for line in connection.iterdump() if token in line]
    assert all(token not in str(told) for told in access.tokens())


@given(guess=st.text(max_size=60))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_other_text_is_a_token(new_ledger: object, guess: str) -> None:
    new_ledger()  # type: ignore[operator]
    access.issue_token("E1", "cx_lead", at=day(0), expires_at=day(10))
    assert access.principal_of(guess, at=day(1)) is None


def test_a_feed_token_opens_the_feed_and_nothing_else(ledger: Settings) -> None:
    feed = access.issue_token("E1", access.FEED_ROLE, at=day(0), expires_at=day(10))
    token = access.issue_token("E1", "agent", at=day(0), expires_at=day(10))
    assert access.principal_of(feed, at=day(1)) is None and access.feed_owner(feed, at=day(1)) == "E1"
    assert access.feed_owner(token, at=day(1)) is None and access.feed_owner(feed, at=day(10)) is None


@pytest.mark.parametrize(
    ("who", "role", "lasting"), [("E1", "admin", 1), ("E1", "", 1), ("", "agent", 1), ("E1", "agent", 0)]
)
def test_a_token_for_nobody_for_no_role_or_for_no_time_is_refused(
    ledger: Settings, who: str, role: str, lasting: int
) -> None:
    with pytest.raises(ValueError):
        access.issue_token(who, role, at=day(0), expires_at=day(lasting))


def test_a_token_is_not_revoked_by_a_beginning_that_could_be_several(ledger: Settings) -> None:
    access.issue_token("E1", "agent", at=day(0), expires_at=day(10))
    for fingerprint in ("", access.tokens()[0].fingerprint[:7], "0" * 12):
        with pytest.raises(access.UnknownToken):
            access.revoke_token(fingerprint, at=day(1))


def test_the_same_request_under_a_key_is_done_once_and_answered_alike(ledger: Settings) -> None:
    done: list[int] = []

    def do() -> tuple[int, str]:
        done.append(1)
        return 201, '{"case_id": "C-1"}'

    answers = [access.answer_once("E1", "k", b"request", do, at=day(0)) for _ in range(3)]
    assert len(done) == 1
    assert {(a.status, a.body) for a in answers} == {(201, '{"case_id": "C-1"}')}
    assert [a.is_replay for a in answers] == [False, True, True]


def test_a_key_on_another_request_is_refused_and_another_principals_key_is_another_key(ledger: Settings) -> None:
    access.answer_once("E1", "k", b"one", lambda: (200, "1"), at=day(0))
    with pytest.raises(access.KeyReused):
        access.answer_once("E1", "k", b"two", lambda: (200, "2"), at=day(0))
    assert access.answer_once("E2", "k", b"two", lambda: (200, "2"), at=day(0)).body == "2"


def test_what_failed_is_not_remembered_and_leaves_nothing_behind(ledger: Settings) -> None:
    def fail() -> tuple[int, str]:
        access.issue_token("E1", "agent", at=day(0), expires_at=day(1))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        access.answer_once("E1", "k", b"one", fail, at=day(0))
    assert access.tokens() == [] and not IdempotentAnswer.objects.exists()
    assert access.answer_once("E1", "k", b"two", lambda: (200, "ok"), at=day(0)).body == "ok"


def test_forgotten_answers_free_their_keys(ledger: Settings) -> None:
    access.answer_once("E1", "k", b"one", lambda: (200, "1"), at=day(0))
    assert access.forget_answers(day(0)) == 0
    assert access.forget_answers(day(0) + timedelta(seconds=1)) == 1
    assert access.answer_once("E1", "k", b"two", lambda: (200, "2"), at=day(1)).body == "2"
