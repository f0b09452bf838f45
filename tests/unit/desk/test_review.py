"""Review over HTTP: for those who answer for quality, within their reach, blind until answered."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.settings import Settings
from tests.unit.desk.conftest import AS_OF


@pytest.fixture
def queue(desk: Settings) -> None:
    """One signal from the south and one from branch B9 wait."""
    places = {"s-south": ("south", None), "s-b9": (None, "B9")}
    asked = [
        {"review_id": name, "signal_id": name, "question": "cause", "reason": "audit", "priority": 1.0, "inclusion": 0.05,
         "model_value": "app_outage", "model_confidence": 0.7, "model_id": "m1"} for name in places
    ]  # fmt: skip
    words = [
        {"signal_id": name, "text": f"words of {name}", "text_hash": name, "occurred_at": AS_OF, "region": region,
         "branch_id": branch} for name, (region, branch) in places.items()
    ]  # fmt: skip
    for folder, name, rows in ((desk.ml_outputs, "ml_root_cause__review", asked), (desk.handoff, "int_signal", words)):
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def seen(client: Any) -> set[str]:
    answer = client.get("/api/review")
    assert answer.status_code == 200, answer.content
    assert "app_outage" not in str(answer.json()["items"])
    return {item["signal_id"] for item in answer.json()["items"]}


@pytest.mark.usefixtures("queue")
def test_quality_sees_all_and_a_manager_the_own_branch_or_region(sign_in: Any) -> None:
    assert seen(sign_in("E-qia", "qa")) == {"s-south", "s-b9"} == seen(sign_in("carl", "cx_lead"))
    assert seen(sign_in("E-mno", "manager")) == {"s-b9"}
    assert seen(sign_in("E-ann", "manager")) == set(), "a token never reaches further than HR says"


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("role", ["agent", "team_lead", "auditor", "analyst", "dpo", "service"])
def test_nobody_else_labels_and_no_machine_does(sign_in: Any, role: str) -> None:
    client = sign_in("E-ann", role)
    body = {"signal_id": "s-south", "question": "cause", "value": "fee_dispute"}
    assert client.get("/api/review").status_code == 403 == client.post("/api/review/labels", body).status_code


@pytest.mark.usefixtures("queue")
def test_an_answer_is_kept_once_and_tells_what_the_model_thought(sign_in: Any) -> None:
    client = sign_in("E-qia", "qa")
    body = {"signal_id": "s-south", "question": "cause", "value": "fee_dispute"}
    first = client.post("/api/review/labels", body).json()
    assert (first["model_value"], first["model_agrees"]) == ("app_outage", False)
    assert client.post("/api/review/labels", body).json()["label_id"] == first["label_id"]
    assert seen(client) == {"s-b9"}
    again = client.post("/api/review/labels", {**body, "value": None}).json()
    assert again["supersedes"] == first["label_id"] and again["value"] is None


@pytest.mark.usefixtures("queue")
def test_what_is_out_of_sight_and_what_is_no_answer_are_refused(sign_in: Any) -> None:
    manager, quality = sign_in("E-mno", "manager"), sign_in("E-qia", "qa")
    body = {"signal_id": "s-south", "question": "cause", "value": "fee_dispute"}
    assert manager.post("/api/review/labels", body).status_code == 404
    assert quality.post("/api/review/labels", {**body, "signal_id": "nowhere"}).status_code == 404
    wrong = quality.post("/api/review/labels", {**body, "value": "my-secret"})
    assert wrong.status_code == 422 and "my-secret" not in wrong.content.decode()
    assert quality.post("/api/review/labels", {**body, "question": "mood"}).status_code == 422
