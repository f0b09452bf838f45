"""Editing over HTTP: the version seen must be named, a stale one is told the difference, and refusals have reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cases import people, questionnaires, services
from cases.models import Case, OutboxMessage, Post
from models.case import EventKind
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import AS_OF

Sign = Callable[..., Client]
ABOUT: dict[str, Any] = {"reason": "called, very angry", "severity": 2, "customer_id": "C1", "branch_id": "B1"}


def opened(client: Client, key: str = "key-00000001", **more: Any) -> str:
    answer = client.post("/api/cases", ABOUT | more, Idempotency_Key=key)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["case_id"])


def test_a_case_opened_by_hand_is_routed_under_targets_and_open_once_per_key(sign_in: Sign) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    assert opened(ann) == case_id
    assert Case.objects.count() == 1
    again = ann.post("/api/cases", ABOUT | {"severity": 3}, Idempotency_Key="key-00000001")
    assert again.status_code == 409
    assert ann.post("/api/cases", ABOUT).status_code == 400
    kinds = {event["kind"] for event in ann.get(f"/api/cases/{case_id}/history").json()["events"]}
    assert {"opened", "routed", "sla_applied"} <= kinds
    shown = ann.get(f"/api/cases/{case_id}").json()
    assert shown["case"]["created_by_id"] == "E-ann" and shown["time"]["due_at"] is not None


def test_an_edit_names_the_version_it_saw(sign_in: Sign) -> None:
    ann, lead = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead")
    case_id = opened(ann)
    seen = ann.get(f"/api/cases/{case_id}")
    version = int(seen["ETag"].strip('"'))
    body = {"kind": "contacted", "payload": {"channel": "phone"}}
    assert ann.post(f"/api/cases/{case_id}/events", body).status_code == 428
    assert ann.post(f"/api/cases/{case_id}/events", body, If_Match="*").status_code == 428
    assert ann.post(f"/api/cases/{case_id}/events", body, If_Match='W/"3"').status_code == 400
    done = ann.post(f"/api/cases/{case_id}/events", body, If_Match=seen["ETag"])
    assert (done.status_code, done.json()["version"], done.json()["state"]) == (200, version + 1, "in_progress")
    stale = lead.post(f"/api/cases/{case_id}/events", body, If_Match=seen["ETag"])
    assert (stale.status_code, stale["ETag"]) == (412, f'"{version + 1}"')
    assert stale.json()["changes"] == [f"{version + 1} contacted by person E-ann"]
    assert services.state_of(case_id).version == version + 1


def test_a_move_that_may_not_follow_says_why(sign_in: Sign) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    refused = ann.act(case_id, "loop_closed")
    assert refused.status_code == 422 and "may not follow" in refused.json()["error"]
    assert ann.act(case_id, "closed", outcome_code="in_favour").status_code == 422


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("offer_issued", {"offer_code": "x"}), ("message_sent", {}), ("assigned", {"owner_id": "E-bob"}),
        ("expired", {}), ("contacted", {"actor_id": "E-dir"}), ("playbook_chosen", {"playbook_code": "no-such"}),
        ("playbook_chosen", {"playbook_code": "apology", "propensity": 1.0}), ("sla_applied", {"targets": []}),
        ("merged", {"into": "C-AAAAAAAAAA"}),
    ],
)  # fmt: skip
def test_what_only_the_engine_says_cannot_be_said_by_hand(sign_in: Sign, kind: str, payload: dict[str, Any]) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    before = services.state_of(case_id).version
    assert ann.act(case_id, kind, **payload).status_code in (404, 422)
    assert services.state_of(case_id).version == before


def test_only_a_lead_routes_by_hand_and_only_to_a_team_there_is(sign_in: Sign) -> None:
    ann, lead = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead")
    case_id = opened(ann)
    assert ann.act(case_id, "routed", team="fraud-care").status_code == 403
    assert lead.act(case_id, "routed", team="no-such-team").status_code == 422
    assert lead.act(case_id, "routed", team="fraud-care").json()["team"] == "fraud-care"


def test_a_case_is_given_to_whoever_is_there(sign_in: Sign) -> None:
    ann, lead = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead")
    case_id = opened(ann)
    tag = ann.get(f"/api/cases/{case_id}")["ETag"]
    given = lead.post(f"/api/cases/{case_id}/assign", {"owner_id": "E-ann", "reason": "knows her"}, If_Match=tag)
    assert given.json()["owner_id"] == "E-ann"
    people.record_absence("A1", "E-bob", AS_OF.replace(hour=1), AS_OF.replace(hour=23), recorded_at=AS_OF, by="ops")
    away = lead.post(f"/api/cases/{case_id}/assign", {"owner_id": "E-bob"}, If_Match=f'"{given.json()["version"]}"')
    assert away.status_code == 422 and "E-bob" not in away.content.decode()


def test_qa_and_auditors_look_and_do_not_touch(sign_in: Sign) -> None:
    case_id = opened(sign_in("E-ann", "agent"))
    for client in (sign_in("E-qia", "qa"), sign_in("x", "auditor")):
        assert client.get(f"/api/cases/{case_id}").status_code == 200
        assert client.act(case_id, "contacted", channel="phone").status_code == 403
        assert client.post(f"/api/cases/{case_id}/notes", {"note": "hm"}).status_code == 403


def test_reasons_lose_personal_data_before_they_enter_the_chain(sign_in: Sign) -> None:
    lead = sign_in("E-lead", "team_lead")
    case_id = opened(lead)
    lead.act(case_id, "severity_changed", severity=1, reason="mails from jo.doe@example.org")
    events = lead.get(f"/api/cases/{case_id}/history").json()["events"]
    said = next(e["payload"] for e in events if e["kind"] == "severity_changed")
    assert said["reason"] == "mails from [EMAIL]"
    assert any(e["kind"] == "sla_applied" and e["payload"]["reason"] == "severity_changed" for e in events)


def test_a_thread_is_kept_without_personal_data_and_only_in_scope(sign_in: Sign) -> None:
    ann, other = sign_in("E-ann", "agent"), sign_in("E-mno", "manager")
    case_id = opened(ann)
    path = f"/api/threads/case/{case_id}"
    assert ann.post(path, {"body": "reach her at jo.doe@example.org"}).status_code == 201
    assert [post["body"] for post in ann.get(path).json()["posts"]] == ["reach her at [EMAIL]"]
    assert other.get(path).status_code == other.post(path, {"body": "x"}).status_code == 404
    assert Post.objects.count() == 1


def test_an_offer_needs_its_request_its_key_and_another_person(sign_in: Sign) -> None:
    ann, lead = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead")
    case_id = opened(ann)
    code = _an_offer()
    path = f"/api/cases/{case_id}/offers"
    ask = {"step": "request", "offer_code": code, "amount_usd": 5.0}
    assert ann.post(path, ask).status_code == 400
    assert ann.post(path, ask, Idempotency_Key="ask-00000001").status_code == 200
    assert ann.post(path, {"step": "approve", "offer_code": code}, Idempotency_Key="k-00000002").status_code == 403
    issue = {"step": "issue", "offer_code": code}
    first = lead.post(path, issue, Idempotency_Key="issue-000001")
    again = lead.post(path, issue, Idempotency_Key="issue-000001")
    assert first.status_code == 200 and first.json() == again.json() and again["Idempotent-Replay"] == "true"
    assert lead.post(path, issue, Idempotency_Key="issue-000002").status_code == 422
    assert ann.post(path, ask | {"offer_code": "gold"}, Idempotency_Key="k-00000003").status_code == 422


def _an_offer() -> str:
    from casework.engine import start
    from desk.conf import served

    playbooks = start(served()).programme.playbooks
    return next(offer.code for text in playbooks for offer in text.playbook.offers)


def test_a_message_is_queued_once_in_the_programmes_words(sign_in: Sign) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    before = OutboxMessage.objects.filter(delivery="customer").count()
    path, body = f"/api/cases/{case_id}/messages", {"template": "closure", "values": _values()}
    answers = [ann.post(path, body, Idempotency_Key="msg-000000001") for _ in range(2)]
    assert [a.status_code for a in answers] == [202, 202], answers[0].content
    assert OutboxMessage.objects.filter(delivery="customer").count() == before + 1
    message = OutboxMessage.objects.get(delivery="customer", template="closure")
    assert (message.recipient_id, message.case_id, message.state) == ("C1", case_id, "pending")
    for wrong in ({"template": "no-such"}, {"template": "closure", "values": {"company": "Other Bank"}},
                  {"template": "digest"}, {"template": "closure"}):  # fmt: skip
        assert ann.post(path, wrong, Idempotency_Key="msg-000000002").status_code == 422


def _values() -> dict[str, Any]:
    from models.template import FIELDS

    ours = {"company", "case_reference", "severity", "customer_reference", "state", "team", "redemption_code"}
    return {name: 5 if name in ("amount", "share", "level") else "words" for name in FIELDS if name not in ours}


def test_a_questionnaire_is_answered_once_by_who_was_asked(sign_in: Sign) -> None:
    ann, bob = sign_in("E-ann", "agent"), sign_in("E-bob", "agent")
    case_id = opened(ann)
    questionnaires.ask(case_id, "E-ann", asked_at=AS_OF, recorded_at=AS_OF.replace(year=2030), budget=1)
    asked = ann.get("/api/questionnaires").json()
    assert [item["case_id"] for item in asked["items"]] == [case_id]
    given = {"answers": {q["code"]: _answer_to(q) for q in asked["questions"]}}
    path = f"/api/questionnaires/{case_id}/answers"
    assert bob.post(path, given).status_code == 404
    assert ann.post(path, {"answers": {"no-such": 1}}).status_code == 422
    assert ann.post(path, given).status_code == 200
    assert ann.post(path, given).status_code == 409
    assert ann.get("/api/questionnaires/summary").json()["cells"] == [], "one answer would name who gave it"


def _answer_to(question: dict[str, Any]) -> object:
    return {"scale": 3, "choice": (question["options"] or [None])[0], "cause": "fee_dispute", "text": "fine"}[
        question["kind"]
    ]


def test_erasure_is_the_data_protection_officers_and_leaves_the_chain_whole(sign_in: Sign) -> None:
    ann, dpo = sign_in("E-ann", "agent"), sign_in("dora", "dpo")
    case_id = opened(ann)
    ann.post(f"/api/threads/case/{case_id}", {"body": "she said so"})
    assert ann.post("/api/erasure", {"customer_id": "C1"}).status_code == 403
    erased = dpo.post("/api/erasure", {"customer_id": "C1"}).json()
    assert erased["cases"] == 1 and erased["typed_texts"] == 1 and erased["posts"] == 1
    assert "very angry" not in ann.get(f"/api/cases/{case_id}/history").content.decode()
    assert services.verify_chain().ok
    assert dpo.get(f"/api/cases/{case_id}").status_code == 403
    assert [c["case_id"] for c in dpo.get("/api/export").json()["items"]] == [case_id]


def test_a_parked_message_is_released_by_a_lead_in_scope(sign_in: Sign) -> None:
    ann, lead, other = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead"), sign_in("E-mno", "manager")
    case_id = opened(ann)
    parked = OutboxMessage.objects.create(
        key="parked", case_id=case_id, delivery="customer", purpose="service", channel="email",
        recipient_type="customer", recipient_id="C1", template="apology", template_version="1", body="words",
        created_at=AS_OF, not_before=AS_OF, state="parked",
    )  # fmt: skip
    path, word = f"/api/outbox/{parked.message_no}/release", {"decision": "drop", "reason": "sent by hand"}
    shown = ann.get("/api/outbox/parked").json()["items"]
    assert [item["message_no"] for item in shown] == [parked.message_no] and "words" not in str(shown)
    assert other.get("/api/outbox/parked").json()["items"] == []
    assert ann.post(path, word).status_code == 403
    assert other.post(path, word).status_code == 404
    assert lead.post(path, word).json()["state"] == "cancelled"
    assert lead.post(path, word).status_code == 404


def test_every_event_kind_is_either_the_engines_or_has_a_list_of_what_it_may_say() -> None:
    from desk.schemas import PAYLOADS
    from models.case import SERVICE_KINDS

    elsewhere = {EventKind.ASSIGNED, EventKind.EXPIRED}
    assert set(PAYLOADS) | SERVICE_KINDS | elsewhere == set(EventKind)
