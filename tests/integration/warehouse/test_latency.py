"""How soon a case is there: from the register of deliveries and the ledger to the weekly table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.warehouse.stores import Stores

ARRIVED = datetime(2025, 1, 6, 9, tzinfo=UTC)


def opened(stores: Stores, cases: dict[str, tuple[dict[str, Any], timedelta]]) -> None:
    """Cases by number, each with the lineage of its trigger and how long after the arrival it was recorded."""
    stores.put("intake", "delivery", [{"batch_id": 1, "source": "reviews", "arrived_at": ARRIVED}])
    stores.put(
        "ledger", "case_trigger",
        [
            {"trigger_id": f"t-{case}", "case_id": case, "signal_id": f"s-{case}", "occurred_at": ARRIVED - timedelta(minutes=5),
             "lineage": json.dumps({"source": "reviews", "batch_id": 1, **lineage})}
            for case, (lineage, _) in cases.items()
        ],
    )  # fmt: skip
    stores.put(
        "ledger", "case_event",
        [
            {"event_id": number, "case_id": case, "seq": 1, "kind": "opened", "actor_type": "system",
             "occurred_at": ARRIVED - timedelta(minutes=5), "recorded_at": ARRIVED + after,
             "payload": json.dumps({"trigger_id": f"t-{case}"})}
            for number, (case, (_, after)) in enumerate(cases.items(), start=1)
        ],
    )  # fmt: skip


def test_a_case_is_as_late_as_the_ledger_and_the_register_say(stores: Stores) -> None:
    opened(
        stores,
        {
            "A": ({"lane": "fast"}, timedelta(seconds=1.25)),
            "B": ({}, timedelta(minutes=30)),
            "C": ({"batch_id": 99}, timedelta(minutes=1)),
        },
    )
    stores.build("+int_case_latency", "+agg_latency_week", unit_tests=True)
    weeks = stores.rows(
        "select lane, source, cases, missing, arrival_p50_seconds, platform_p95_seconds, total_p95_seconds"
        " from agg_latency_week order by lane"
    )
    assert weeks == [
        {"lane": "batch", "source": "reviews", "cases": 2, "missing": 1, "arrival_p50_seconds": 300.0,
         "platform_p95_seconds": 1800.0, "total_p95_seconds": 2100.0},
        {"lane": "fast", "source": "reviews", "cases": 1, "missing": 0, "arrival_p50_seconds": 300.0,
         "platform_p95_seconds": pytest.approx(1.25), "total_p95_seconds": pytest.approx(301.25)},
    ]  # fmt: skip
