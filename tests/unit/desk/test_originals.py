"""Reading the words before redaction over HTTP: whose they are, how refusals look, and that no answer is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cases import services
from cases.models import AuditEntry
from intake import vault
from intake.service import take_file
from models.facts import TriggerFact
from models.settings import Settings
from tests.unit.casework.test_originals import ROW, WORDS
from tests.unit.desk.client import Client
from tests.unit.desk.conftest import AS_OF

Sign = Callable[..., Client]
ASK = {"signal_id": "S1", "reason": "to call the customer back"}


@pytest.fixture
def case_id(desk: Settings, sign_in: Sign, tmp_path: Path) -> str:
    """A case about one complaint; Ann has it."""
    file = tmp_path / "complaints.csv"
    file.write_text(ROW, encoding="utf-8")
    take_file(desk, "complaints", file, received_on=date(2025, 6, 30))
    files = {"files": str(desk.landing / "complaints__complaint" / "*.parquet")}
    with duckdb.connect() as connection:
        (row_hash,) = connection.execute("SELECT _row_hash FROM read_parquet($files)", files).fetchall()[0]
    fact = TriggerFact(
        trigger_id="t1", rule_id="r", rule_hash="h", kind="recovery", subject_type="customer", subject_id="K1",
        severity=3, occurred_at=AS_OF, customer_id="K1", branch_id="B1", signal_id="S1",
        lineage={"source": "complaints", "entity": "complaint", "row_hash": row_hash},
    )  # fmt: skip
    services.open_cases([fact], recorded_at=AS_OF)
    found = services.case_of_trigger("t1")
    lead = sign_in("anybody", "cx_lead")
    seen = lead.get(f"/api/cases/{found}")["ETag"]
    assert lead.post(f"/api/cases/{found}/assign", {"owner_id": "E-ann"}, If_Match=seen).status_code == 200
    return found


def test_the_owner_gets_the_words_and_the_answer_is_kept_nowhere(desk: Settings, sign_in: Sign, case_id: str) -> None:
    ann = sign_in("E-ann", "agent")
    answer = ann.post(f"/api/cases/{case_id}/originals", ASK, Idempotency_Key="key-00000001")
    assert answer.status_code == 200 and answer.json()["texts"]["description"] == WORDS
    assert answer["Cache-Control"] == "no-store" and answer["ETag"] == ann.get(f"/api/cases/{case_id}")["ETag"]
    assert "212-555-0143" not in ann.get(f"/api/cases/{case_id}").content.decode()
    for path in desk.home.rglob("ledger.db*"):
        assert b"212-555-0143" not in path.read_bytes()


def test_others_are_refused_and_so_is_who_asks_without_a_reason(sign_in: Sign, case_id: str) -> None:
    address = f"/api/cases/{case_id}/originals"
    assert sign_in("E-lead", "team_lead").post(address, ASK).status_code == 403
    assert sign_in("E-mgr", "manager").post(address, ASK).status_code == 403
    assert sign_in("anybody", "cx_lead").post(address, ASK).status_code == 403
    assert sign_in("E-ann", "service").post(address, ASK).status_code == 403
    assert sign_in("E-mno", "manager").post(address, ASK).status_code == 404
    ann = sign_in("E-ann", "agent")
    assert ann.post(address, {"signal_id": "S1"}).status_code == 422
    assert ann.post(address, ASK | {"signal_id": "S2"}).status_code == 404
    assert not any(e["kind"] == "original_opened" for e in ann.get(f"/api/cases/{case_id}/history").json()["events"])
    tried = AuditEntry.objects.filter(action__contains="originals", subject_id=case_id)
    assert {entry.principal_id for entry in tried} >= {"E-lead", "E-mgr", "E-ann"}


def test_of_an_erased_person_the_answer_is_that_they_are_gone(desk: Settings, sign_in: Sign, case_id: str) -> None:
    vault.forget_subject(desk, "customer:K1")
    answer = sign_in("E-ann", "agent").post(f"/api/cases/{case_id}/originals", ASK)
    assert answer.status_code == 410 and "erased" in answer.json()["error"]
