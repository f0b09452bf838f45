"""Feedback over HTTP: let in by its own kind of token, kept once and whole or not at all, and told about by receipt."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import access
from desk import conf as desk_conf
from desk.feedback_schemas import SCALES
from intake import spool
from intake.contracts import load_contracts
from intake.registry import reading
from intake.service import take_inbox
from models.settings import Settings
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import client_for

Sign = Callable[..., Client]
KEY = "key-00000001"
ITEM = {"source_key": "1", "kind": "complaint", "channel": "app", "text": "Charged twice", "customer_id": "C1"}


def send(client: Client, body: object, key: str = KEY) -> Any:
    return client.post("/api/feedback", body, Idempotency_Key=key)


def rows_waiting(desk: Settings) -> list[dict[str, Any]]:
    files = sorted(spool.spool_folder(desk).glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def test_accepted_feedback_is_on_disk_with_its_sender_and_its_receipt(desk: Settings, sign_in: Sign) -> None:
    answer = send(
        sign_in("app", "sender"), [ITEM, ITEM | {"source_key": "2", "occurred_at": "2026-05-31T10:00:00+02:00"}]
    )
    receipt = answer.json()["receipt"]
    assert answer.status_code == 202 and answer.json()["items"] == 2
    assert answer["Location"] == f"/api/feedback/{receipt}"
    first, second = rows_waiting(desk)
    assert {first["sender"], second["sender"]} == {"app"} and first["receipt_id"] == receipt
    assert (first["is_time_stated"], second["is_time_stated"]) == (False, True)
    assert second["occurred_at"] == "2026-05-31T08:00:00+00:00"


@pytest.mark.parametrize(
    "role", ["agent", "team_lead", "manager", "director", "cx_lead", "qa", "auditor", "analyst", "dpo"]
)
def test_no_token_of_a_person_sends_feedback(desk: Settings, sign_in: Sign, role: str) -> None:
    assert send(sign_in("E-ann", role), ITEM).status_code == 403
    assert rows_waiting(desk) == []


def test_a_sender_learns_nothing_about_cases(sign_in: Sign) -> None:
    app = sign_in("app", "sender")
    for path in ("/api/cases", "/api/queue", "/api/counts", "/api/export", "/api/audit"):
        assert app.get(path).status_code == 403
    assert "cases" not in app.get(send(app, ITEM)["Location"]).json()


def test_a_sender_is_named_in_letters_that_can_be_part_of_a_key(desk: Settings) -> None:
    now = datetime.now(UTC)
    with pytest.raises(ValueError, match="in letters"):
        access.issue_token("app:1", "sender", at=now, expires_at=now + timedelta(days=1))


def test_the_same_key_gives_the_same_receipt_and_another_request_under_it_is_refused(
    desk: Settings, sign_in: Sign
) -> None:
    app, web = sign_in("app", "sender"), sign_in("web", "sender")
    first, again = send(app, ITEM), send(app, ITEM)
    assert (again.status_code, again.json(), again["Idempotent-Replay"]) == (202, first.json(), "true")
    assert send(app, ITEM | {"text": "Something else"}).status_code == 409
    assert send(web, ITEM).json()["receipt"] != first.json()["receipt"], "a key is its sender's own"
    assert len(rows_waiting(desk)) == 2
    take_inbox(desk, timezone="UTC")
    assert send(app, ITEM).json() == first.json() and rows_waiting(desk) == []
    assert app.post("/api/feedback", ITEM).status_code == 400


@pytest.mark.parametrize(
    ("item", "field", "problem"),
    [
        ({"text": None}, "body.items.1", "says_nothing"),
        ({"score": 3}, "body.items.1", "one_scale"),
        ({"score": 3, "metric": "nps", "survey_id": "SV"}, "body.items.1", "one_scale"),
        ({"score": 11, "metric": "nps"}, "body.items.1", "off_scale"),
        ({"related_id": "T1"}, "body.items.1", "half_a_matter"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "body.items.1", "in_the_future"),
        ({"occurred_at": "2026-01-01T00:00:00"}, "body.items.1.occurred_at", "timezone_aware"),
        ({"kind": "rumour"}, "body.items.1.kind", "literal_error"),
        ({"text": "a\x00b"}, "body.items.1.text", "string_pattern_mismatch"),
        ({"Zebra-7731": 1}, "body.items.1", "extra_forbidden"),
    ],
)  # fmt: skip
def test_one_bad_item_refuses_the_whole_request_and_is_named_by_its_place(
    desk: Settings, sign_in: Sign, item: dict[str, Any], field: str, problem: str
) -> None:
    answer = send(sign_in("app", "sender"), [ITEM, ITEM | {"source_key": "2"} | item])
    assert answer.status_code == 422
    assert [(fault["field"], fault["problem"]) for fault in answer.json()["faults"]] == [(field, problem)]
    assert "Zebra" not in answer.content.decode() and rows_waiting(desk) == []


def test_a_request_has_1_to_500_items_each_with_a_number_of_its_own(desk: Settings, sign_in: Sign) -> None:
    app = sign_in("app", "sender")
    short = {"source_key": "1", "kind": "review", "channel": "web", "score": 1, "metric": "rating"}
    many = [short | {"source_key": str(n)} for n in range(501)]
    assert [send(app, body).status_code for body in ([], many, [short, short])] == [422, 422, 422]
    assert send(app, many[:500]).status_code == 202 and len(rows_waiting(desk)) == 500


def test_when_too_much_waits_senders_are_told_when_to_come_again(desk: Settings, sign_in: Sign) -> None:
    app = sign_in("app", "sender")
    desk_conf.setup(desk.model_copy(update={"feedback_pending_files": 1}))
    assert send(app, ITEM).status_code == 202
    refused = send(app, ITEM | {"source_key": "2"}, "key-00000002")
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0
    take_inbox(desk, timezone="UTC")
    assert send(app, ITEM | {"source_key": "2"}, "key-00000002").status_code == 202


def test_a_disk_that_refuses_is_503_and_the_same_request_goes_in_later(desk: Settings, sign_in: Sign) -> None:
    app = sign_in("app", "sender")
    desk.inbox.mkdir(exist_ok=True)
    in_the_way = desk.inbox / "feedback"
    in_the_way.write_text("", encoding="utf-8")
    refused = send(app, ITEM)
    assert refused.status_code == 503 and int(refused["Retry-After"]) > 0
    in_the_way.unlink()
    assert send(app, ITEM).status_code == 202 and len(rows_waiting(desk)) == 1


def test_a_receipt_is_told_to_its_sender_alone(desk: Settings, sign_in: Sign) -> None:
    app, web = sign_in("app", "sender"), sign_in("web", "sender")
    where = send(app, [ITEM, ITEM | {"source_key": "2", "occurred_at": "1850-01-01T00:00:00Z"}])["Location"]
    assert app.get(where).json()["state"] == "received"
    take_inbox(desk, timezone="UTC")
    told = app.get(where).json()
    assert (told["state"], told["taken"], told["quarantined"]) == ("taken", 1, 1)
    assert told["faults"] == [{"item": 1, "field": "occurred_at", "reason": "not_a_timestamp"}]
    assert web.get(where).status_code == 404
    assert {app.get(f"/api/feedback/{name}").status_code for name in ("F-AAAAAAAA-" + "A" * 20, "x")} == {404}
    assert sign_in("E-ann", "agent").get(where).status_code == 403


def test_the_scales_are_those_of_the_contract() -> None:
    (rule,) = load_contracts()["feedback", "item"].ranges
    assert rule.ranges == SCALES


TEXTS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=60)
PAYLOADS = st.lists(
    st.fixed_dictionaries(
        {"source_key": st.uuids().map(str), "kind": st.sampled_from(["complaint", "review", "agent_note"]),
         "channel": st.sampled_from(["app", "web"])},
        optional={"text": TEXTS, "score": st.floats(0, 10), "metric": st.sampled_from(sorted(SCALES)),
                  "occurred_at": st.datetimes(datetime(1800, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)).map(
                      datetime.isoformat), "customer_id": st.just("C1"), "product": TEXTS, "language": st.just("de-CH")},
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(payload=PAYLOADS)
def test_every_accepted_item_lands_or_is_set_aside_exactly_once(
    new_desk: Callable[[], Settings], payload: list[dict[str, Any]]
) -> None:
    desk = new_desk()
    answer = send(client_for("app", "sender"), payload)
    accepted = len(payload) if answer.status_code == 202 else 0
    assert answer.status_code in (202, 422) and len(rows_waiting(desk)) == accepted
    take_inbox(desk, timezone="UTC")
    with reading(desk.intake_db) as registry:
        deliveries = registry.deliveries()
    assert sum(d.loaded + d.quarantined for d in deliveries) == accepted
    assert sum(d.duplicates for d in deliveries) == 0
