"""The two clocks are one: what dbt says of hundreds of generated cases equals models/clocks.py, to the second."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from intake.business_intervals import business_intervals
from models.case import CaseEvent
from models.clocks import RULES, SlaClock, clocks
from tests.integration.warehouse.stores import Stores
from tests.support import ROOT
from tests.unit.models.sla_cases import MONDAY, histories, policy, target

SLA = policy(target("resolve", 1))
NEEDED = ("+fct_case_sla",)
CASES = 400


def collected() -> list[list[CaseEvent]]:
    """The same generated histories on every run."""
    found: list[list[CaseEvent]] = []

    @settings(max_examples=CASES, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(histories())
    def keep(events: list[CaseEvent]) -> None:
        found.append(events)

    keep()
    return found


@pytest.fixture(scope="module")
def ledger() -> list[list[CaseEvent]]:
    return collected()


def put(stores: Stores, ledger: list[list[CaseEvent]]) -> None:
    """The generated cases as the ledger exports them, and the calendars as intake compiles them."""
    stores.put("programme", "business_interval", business_intervals(SLA).to_pylist())
    stores.put(
        "ledger", "case",
        [{"case_id": f"C-{n}", "case_no": n, "dedup_key": str(n), "case_kind": "recovery"} for n in range(len(ledger))],
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    for number, events in enumerate(ledger):
        for event in events:
            rows.append({
                "event_id": len(rows) + 1, "case_id": f"C-{number}", "seq": event.seq, "kind": event.kind.value,
                "occurred_at": event.occurred_at, "recorded_at": event.occurred_at, "actor_type": event.actor_type,
                "state_after": "new", "payload": json.dumps(dict(event.payload)),
            })  # fmt: skip
    stores.put("ledger", "case_event", rows)


def python_says(case_id: str, clock: SlaClock) -> dict[str, Any]:
    return {
        "case_id": case_id, "metric": clock.metric, "severity": clock.severity, "clock": clock.clock,
        "target_seconds": clock.target_seconds, "policy_version": clock.policy_version, "applied_at": clock.applied_at,
        "started_at": clock.started_at, "clock_state": clock.state, "due_at": clock.due_at,
        "used_seconds": clock.used_seconds, "elapsed_seconds": clock.elapsed_seconds, "stopped_at": clock.stopped_at,
        "breached_at": clock.breached_at, "breach_seconds": clock.breach_seconds,
        "paused_seconds": clock.paused_seconds, "is_live": clock.is_live,
    }  # fmt: skip


def sql_says(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()}


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        rows, key=lambda row: str((row["case_id"], row["metric"], row["applied_at"], row["started_at"], str(row)))
    )


DAYS = (9, 17.3, 80)


def test_the_generated_cases_have_clocks_in_every_state(ledger: list[list[CaseEvent]]) -> None:
    seen = {
        clock.state
        for days in DAYS
        for events in ledger
        for clock in clocks(events, SLA, MONDAY + timedelta(days=days))
    }
    assert seen == {"running", "paused", "met", "breached", "superseded", "cancelled"}


@pytest.mark.parametrize("days", DAYS)
def test_sql_and_python_say_the_same_of_every_clock(stores: Stores, ledger: list[list[CaseEvent]], days: float) -> None:
    as_of = MONDAY + timedelta(days=days)
    put(stores, ledger)
    stores.build(*NEEDED, as_of=as_of.strftime("%Y-%m-%d %H:%M:%S"))
    expected = [python_says(f"C-{n}", clock) for n, events in enumerate(ledger) for clock in clocks(events, SLA, as_of)]
    columns = ", ".join(expected[0])
    found = [sql_says(row) for row in stores.rows(f"select {columns} from fct_case_sla")]
    assert len(expected) > 2 * CASES
    for said, meant in zip(in_order(found), in_order(expected), strict=True):
        assert said == meant


def test_the_rules_in_sql_are_the_rules_in_python() -> None:
    text = (ROOT / "dbt_project" / "macros" / "clocks.sql").read_text(encoding="utf-8")
    named = {
        name: re.findall(r"'(\w+)'", words) for name, words in re.findall(r"set (contact|speaks) = \[(.*?)\]", text)
    }

    def kinds(words: str) -> set[str]:
        return {kind for name in re.findall(r"\b(contact|speaks)\b", words) for kind in named[name]} | set(
            re.findall(r"'(\w+)'", words)
        )

    rows = re.findall(r"'metric': '(\w+)', 'party': '(\w+)', 'stops': (.*?), 'again': (.*?)\}", text)
    written = {metric: (party, kinds(stops), kinds(again)) for metric, party, stops, again in rows}
    assert written == {
        metric: (rule.party, {k.value for k in rule.stops}, {k.value for k in rule.again})
        for metric, rule in RULES.items()
    }
