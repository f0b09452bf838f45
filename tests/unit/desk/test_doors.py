"""What holds on every address: who is let in, which headers come back, what is never repeated, and who looked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases import access, audit, followups, people
from cases.models import AuditEntry
from desk import conf as desk_conf
from desk.conf import MAX_BODY_BYTES
from models.settings import Settings
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import AS_OF
from tests.unit.desk.operations import OPERATIONS, Operation, address
from tests.unit.desk.test_editing import opened

Sign = Callable[..., Client]
MARKER = "Zebra-7731"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_no_operation_lets_in_somebody_without_a_valid_token(desk: Settings, operation: Operation) -> None:
    for client in (Client(None), Client("nonsense"), Client("x" * 500)):
        answer = client.send(operation.method, address(operation, {}))
        assert answer.status_code == 401 and answer["WWW-Authenticate"] == "Bearer"


def test_an_expired_or_revoked_token_and_a_cookie_open_nothing(desk: Settings) -> None:
    now = datetime.now(UTC)
    old = access.issue_token("E-ann", "agent", at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
    ended = access.issue_token("E-ann", "agent", at=now - timedelta(days=1), expires_at=now + timedelta(days=1))
    access.revoke_token(access.tokens()[0].fingerprint, at=now)
    for client in (Client(old), Client(ended)):
        assert client.get("/api/cases").status_code == 401
    cookie = Client(None)
    cookie.inner.cookies["sessionid"] = ended
    assert cookie.get("/api/cases").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/api/openapi.json", "/api/cases", "/nowhere", "/calendar/x.ics"])
def test_every_answer_carries_the_headers_of_a_closed_door_and_no_cookie(sign_in: Sign, path: str) -> None:
    for client in (sign_in("x", "cx_lead"), Client(None)):
        answer = client.get(path)
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Frame-Options"] == "DENY"
        assert answer["Cache-Control"] == "no-store" and not answer.cookies


def test_the_description_is_served_and_no_page_that_loads_from_elsewhere(desk: Settings) -> None:
    described = Client(None).get("/api/openapi.json").json()
    assert "/api/cases/{case_id}/events" in described["paths"]
    assert {Client(None).get(path).status_code for path in ("/api/docs", "/api/redoc", "/")} == {404}


def test_a_name_we_are_not_served_under_is_refused(sign_in: Sign) -> None:
    answer = sign_in("x", "cx_lead").get("/api/cases", Host="evil.example")
    assert answer.status_code == 400


def test_a_request_too_large_is_refused_before_it_is_read(sign_in: Sign) -> None:
    answer = sign_in("E-ann", "agent").post("/api/cases", "x" * (MAX_BODY_BYTES + 1), Idempotency_Key="key-00000001")
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/cases", {MARKER: 1}), ("/api/cases", {"reason": "x", "severity": MARKER}), ("/api/cases", f'{{"{MARKER}'),
        ("/api/cases", {"reason": "x", "severity": 2, "customer_id": f"{MARKER} x"}),
        ("/api/cases/{case}/events", {"kind": MARKER}),
        ("/api/cases/{case}/events", {"kind": "contacted", "payload": {MARKER: MARKER}}),
        ("/api/cases/{case}/events", {"kind": "contacted", "payload": {"channel": {MARKER: 1}}}),
        ("/api/cases/{case}/events", {"kind": "merged", "payload": {"into": MARKER}}),
        ("/api/cases/{case}/events", {"kind": "severity_changed", "payload": {"severity": MARKER}}),
        ("/api/cases/{case}/assign", {"owner_id": MARKER}),
        ("/api/cases/{case}/offers", {"step": "request", "offer_code": MARKER.lower()}),
        ("/api/cases/{case}/messages", {"template": MARKER.lower(), "values": {}}),
        ("/api/cases/{case}/messages", {"template": "closure", "values": {MARKER: MARKER}}),
        ("/api/questionnaires/{case}/answers", {"answers": {MARKER: MARKER}}),
        (f"/api/threads/{MARKER}/x", {"body": "x"}), (f"/api/threads/case/{MARKER}", {"body": "x"}),
    ],
)  # fmt: skip
def test_a_refusal_never_repeats_what_was_sent(sign_in: Sign, path: str, body: Any) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    answer = ann.post(path.replace("{case}", case_id), body, Idempotency_Key="key-00000009", If_Match='"4"')
    assert 400 <= answer.status_code < 500
    assert MARKER.lower() not in answer.content.decode().lower()
    assert json.loads(answer.content)["error"]


def test_a_refusal_does_not_name_a_case_out_of_sight(desk: Settings, sign_in: Sign) -> None:
    from cases import services
    from models.case import Actor, EventKind

    ann, lead = sign_in("E-ann", "agent"), sign_in("E-lead", "team_lead")
    case_id = opened(ann)
    for kind, payload in (("contacted", {"channel": "phone"}), ("resolved", {}),
                          ("closed", {"outcome_code": "in_favour", "comment": "done"})):  # fmt: skip
        assert ann.act(case_id, kind, **payload).status_code == 200
    later = desk.model_copy(update={"as_of": AS_OF + timedelta(days=3)})
    desk_conf.setup(later)
    second = opened(ann, "key-00000002")
    assert second != case_id
    there = {"team": "executive-care", "owner_role": "manager", "path": [], "reasons": []}
    services.act(second, EventKind.ROUTED, there, actor=Actor("system", "t"), occurred_at=AS_OF + timedelta(days=3),
                 expected_version=services.state_of(second).version, recorded_at=datetime.now(UTC))  # fmt: skip
    assert ann.get(f"/api/cases/{second}").status_code == 404
    refused = ann.act(case_id, "reopened", reason="again")
    assert refused.status_code == 422
    assert second not in refused.content.decode() and "another case is open" in refused.json()["error"]
    assert lead.get("/api/cases").status_code == 200


def test_every_request_of_somebody_let_in_is_noted_with_its_route_and_never_its_words(sign_in: Sign) -> None:
    ann, auditor = sign_in("E-ann", "agent"), sign_in("aud", "auditor")
    case_id = opened(ann)
    ann.get(f"/api/cases/{case_id}")
    ann.get("/api/cases/C-NOSUCHCASE")
    ann.post(f"/api/cases/{case_id}/notes", {"note": "secret words"})
    seen = auditor.get("/api/audit").json()["items"]
    assert [(item["action"], item["subject_id"], item["status"]) for item in seen[:3]] == [
        ("POST /api/cases/<case_id>/notes", case_id, 200), ("GET /api/cases/<case_id>", "C-NOSUCHCASE", 404),
        ("GET /api/cases/<case_id>", case_id, 200),
    ]  # fmt: skip
    assert "secret words" not in str(AuditEntry.objects.values_list())
    assert ann.get("/api/audit").status_code == 403
    assert audit.entries(subject_id=case_id, limit=1)[0].action.endswith("notes")


def test_the_feed_opens_with_its_own_token_only_and_follows_every_change(sign_in: Sign) -> None:
    ann, anybody = sign_in("E-ann", "agent"), Client(None)
    case_id = opened(ann)
    path = ann.post("/api/calendar").json()["path"]
    wish = {"subject_type": "case", "subject_id": case_id, "title": "Call jo.doe@example.org again",
            "starts_at": "2026-06-06T03:00:00Z"}  # fmt: skip
    planned = ann.post("/api/followups", wish).json()
    assert planned["title"] == "Call [EMAIL] again"
    assert datetime.fromisoformat(planned["starts_at"]) >= datetime(2026, 6, 8, tzinfo=UTC), (
        "Saturday is no working day"
    )
    text = anybody.get(path)
    assert text["Content-Type"].startswith("text/calendar")
    assert f"UID:{planned['uid']}" in text.content.decode().replace("\r\n ", "")
    moved = ann.send("PUT", f"/api/followups/{planned['uid']}", {"starts_at": "2026-06-09T10:00:00Z"}).json()
    assert (moved["uid"], moved["sequence"]) == (planned["uid"], 1)
    assert ann.send("DELETE", f"/api/followups/{planned['uid']}").json()["status"] == "CANCELLED"
    assert "SEQUENCE:2" in anybody.get(path).content.decode()
    assert Client(path.split("/")[-1].removesuffix(".ics")).get("/api/cases").status_code == 401
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    assert anybody.get(f"/calendar/{token}.ics").status_code == 404
    assert followups.of_owner("E-bob") == []


def test_the_feed_of_somebody_who_left_is_closed(sign_in: Sign) -> None:
    from dataclasses import replace

    from tests.unit.desk.conftest import PEOPLE

    path = sign_in("E-ann", "agent").post("/api/calendar").json()["path"]
    assert Client(None).get(path).status_code == 200
    ann = next(p for p in PEOPLE if p.employee_id == "E-ann")
    people.record_positions([replace(ann, valid_to=datetime.now(UTC).date() - timedelta(days=1))], AS_OF)
    assert Client(None).get(path).status_code == 404


def test_a_list_known_already_is_not_sent_again(sign_in: Sign) -> None:
    ann = sign_in("E-ann", "agent")
    case_id = opened(ann)
    first = ann.get("/api/cases?overdue=false&severity=2&severity=3")
    assert [item["case_id"] for item in first.json()["items"]] == [case_id]
    assert ann.get("/api/cases?overdue=false&severity=2&severity=3", If_None_Match=first["ETag"]).status_code == 304
    ann.act(case_id, "contacted", channel="phone")
    assert ann.get("/api/cases", If_None_Match=first["ETag"]).status_code == 200
    assert ann.get("/api/cases?no-such-filter=1").status_code == 422


def test_an_agent_reads_no_more_than_one_page_at_a_time_and_exports_nothing(sign_in: Sign) -> None:
    assert sign_in("E-ann", "agent").get("/api/export").status_code == 403
    assert sign_in("E-lead", "team_lead").get("/api/export").status_code == 200
