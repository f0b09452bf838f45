"""Labels in the warehouse: what people said comes back to the models in the next build, with whose word it was."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from tests.integration.warehouse.stores import Stores

DAY = datetime(2025, 3, 3, tzinfo=UTC)


def test_what_a_reviewer_said_outweighs_the_code_and_reaches_the_models_with_its_basis(stores: Stores) -> None:
    stores.put("programme", "cause", [{"cause_id": name, "title": name} for name in ("fee_dispute", "app_outage")])
    stores.put("programme", "reason_code", [{"source": "*", "code": "FEE-01", "cause_id": "fee_dispute"}])
    told = {"category": "FEE-01", "received_at": DAY, "updated_at": DAY, "customer_id": "K1"}
    rows = [{**told, "complaint_id": name, "description": f"words of {name}"} for name in ("C1", "C2")]
    stores.land("complaints__complaint", rows, batch=1)
    stores.build("tag:prepare")
    first = stores.one("select signal_id, text_hash from int_signal where source_key = 'C1'")
    stores.put("ledger", "label", [
        {"label_id": "l1", "signal_id": first["signal_id"], "question": "cause", "value": "app_outage", "basis": "review",
         "labeller": "E-qia", "at": DAY, "text_hash": first["text_hash"], "reason": "audit", "inclusion": 0.05},
    ])  # fmt: skip
    stores.build("tag:prepare", unit_tests=True)
    path = stores.home / "handoff" / "int_signal.parquet"
    question = f"select source_key, coded_cause_id, coded_cause_basis, audit_inclusion from '{path}' order by 1"
    with duckdb.connect() as connection:
        found = connection.execute(question).fetchall()
    assert found == [("C1", "app_outage", "review", 0.05), ("C2", "fee_dispute", "reason_code", None)]
