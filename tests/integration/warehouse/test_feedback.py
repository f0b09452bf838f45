"""Feedback sent to the desk becomes evidence: one signal per sender's item, its newest version, on today's scale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.warehouse.stores import Stores

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
NPS = {"survey_id": "SV_NPS", "metric": "nps", "score_min": 0, "score_max": 10, "direction": "up"}


def item(sender: str, key: str, minute: int, **more: Any) -> dict[str, Any]:
    at = NOON + timedelta(minutes=minute)
    return {
        "sender": sender, "source_key": key, "receipt_id": f"F-{minute}", "received_at": at, "occurred_at": at,
        "is_time_stated": True, "kind": "survey_response", "channel": "app", **more,
    }  # fmt: skip


def test_an_item_sent_again_replaces_its_signal_and_another_senders_number_is_another_signal(stores: Stores) -> None:
    stores.put("programme", "survey", [NPS])
    first = [item("app", "1", 0, survey_id="SV_NPS", score=3.0), item("web", "1", 0, metric="csat", score=5.0)]
    stores.land("feedback__item", first, batch=1)
    stores.build("+int_signal", "int_signal__feedback", unit_tests=True)
    before = stores.rows("select source_key, score_metric, score_normalised from int_signal order by source_key")
    assert before == [
        {"source_key": "app:1", "score_metric": "nps", "score_normalised": 0.3},
        {"source_key": "web:1", "score_metric": "csat", "score_normalised": 1.0},
    ]
    stores.land("feedback__item", [item("app", "1", 5, survey_id="SV_NPS", score=9.0)], batch=2)
    # An older version that comes late changes nothing.
    stores.land("feedback__item", [item("app", "1", -5, survey_id="SV_NPS", score=0.0)], batch=3)
    # The business corrects the scale; what has no survey keeps its own.
    stores.put("programme", "survey", [NPS | {"metric": "ces", "score_max": 18}])
    stores.build("+int_signal")
    after = stores.rows("select source_key, score_metric, score_normalised from int_signal order by source_key")
    assert after == [
        {"source_key": "app:1", "score_metric": "ces", "score_normalised": 0.5},
        {"source_key": "web:1", "score_metric": "csat", "score_normalised": 1.0},
    ]
    assert stores.one("select count(*) as n from int_signal where source = 'feedback'") == {"n": 2}
