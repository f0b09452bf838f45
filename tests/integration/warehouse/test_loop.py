"""The three builds of one turn of the loop, from nothing at all to cases with outcomes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import md5
from typing import Any

import duckdb
import pytest

from tests.integration.warehouse.stores import Stores

START = datetime(2025, 1, 6, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def signal_id(source: str, entity: str, key: str) -> str:
    return md5(f"{source}|{entity}|{key}".encode(), usedforsecurity=False).hexdigest()


def text_hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def test_everything_builds_where_no_source_has_said_anything(stores: Stores) -> None:
    results = stores.build(unit_tests=True)
    assert len([r for r in results if r.node.resource_type == "unit_test"]) >= 15
    assert stores.one("select count(*) as cases from fct_case")["cases"] == 0
    assert stores.one("select count(*) as entities, sum(row_count) as total from agg_source_load") == {
        "entities": 19,
        "total": 0,
    }


def test_the_three_builds_stand_alone_on_a_new_warehouse(stores: Stores) -> None:
    for tag in ("tag:prepare", "tag:detect", "tag:track"):
        stores.build(tag)
    written = {path.name for path in (stores.home / "handoff").glob("*.parquet")}
    assert written == {
        "int_signal.parquet", "int_resolution.parquet", "fct_signal.parquet", "agg_theme_week.parquet",
        "int_exposure_day.parquet", "dim_customer.parquet",
        "stg_hr__org_chart.parquet", "int_recovery_attempt.parquet", "int_case_at_risk.parquet",
    }  # fmt: skip


def test_a_build_that_is_not_told_the_moment_refuses_to_guess(stores: Stores) -> None:
    with pytest.raises(AssertionError, match="as_of is missing"):
        stores.build("+fct_case_event", as_of="")


def test_published_complaints_alone_give_timeliness_and_no_invented_customers(stores: Stores) -> None:
    company = {"product": "Mortgage", "company": "Bank A", "state": "NY", "issue": "Fees"}
    stores.land(
        "cfpb__complaint",
        [
            {**company, "complaint_id": "1", "date_received": date(2025, 1, 7), "timely_response": True,
             "consumer_complaint_narrative": "They charged XXXX twice."},
            {**company, "complaint_id": "2", "date_received": date(2025, 1, 8), "timely_response": False},
            {**company, "complaint_id": "3", "date_received": date(2025, 1, 9)},
        ],
        batch=1,
    )  # fmt: skip
    words = "They charged XXXX twice."
    known = {"signal_id": signal_id("cfpb", "complaint", "1"), "text_hash": text_hash(words), "severity": 2}
    stores.put("ml", "ml_root_cause__prediction", [{**known, "topic_id": 0, "topic_model_id": "m"}])
    stores.put("ml", "ml_root_cause__topic", [{"topic_id": 0, "theme_id": "T-0000000a", "topic_model_id": "m"}])
    stores.build()
    assert stores.one("select timely, denominator, missing from agg_timeliness_month") == {
        "timely": 1, "denominator": 2, "missing": 1,
    }  # fmt: skip
    weeks = stores.rows("select week_start, region, signals, customers, exposure from agg_theme_week order by region")
    assert weeks == [
        {"week_start": date(2025, 1, 6), "region": region, "signals": 1, "customers": None, "exposure": None}
        for region in ("NY", "all")
    ]
    assert stores.one("select count(customer_id) as known from fct_signal")["known"] == 0


def land_a_complaint_that_came_to_a_case(stores: Stores) -> None:
    """One customer, one complaint, one trigger, one case; resolved, answered, and retained."""
    stores.put(
        "programme", "cause",
        [{"cause_id": "fee_dispute", "title": "Fees", "failure_type": "policy", "journey": "everyday"}],
    )  # fmt: skip
    stores.put("programme", "reason_code", [{"source": None, "code": "FEE-01", "cause_id": "fee_dispute"}])
    stores.put(
        "programme", "survey",
        [{"survey_id": "SV_CSAT", "metric": "csat", "score_min": 1, "score_max": 5, "direction": "up"}],
    )  # fmt: skip
    customer = {
        "customer_id": "K1",
        "segment": "mass",
        "status": "active",
        "region": "north",
        "joined_on": date(2020, 1, 1),
    }
    stores.land(
        "crm__customer",
        [
            {**customer, "tier": "silver", "annual_value_usd": 100, "updated_at": START - 30 * DAY},
            {**customer, "tier": "gold", "annual_value_usd": 900, "updated_at": START + 30 * DAY},
        ],
        batch=1,
    )
    stores.land(
        "complaints__complaint",
        [{"complaint_id": "C1", "customer_id": "K1", "received_at": START, "category": "FEE-01",
          "description": "a fee again", "updated_at": START}],
        batch=1,
    )  # fmt: skip
    stores.land(
        "resolutions__resolution",
        [{"resolution_id": "S1", "subject_type": "complaint", "subject_id": "C1", "customer_id": "K1",
          "playbook_code": "refund", "offer_usd": 25, "handling_minutes": 30, "resolution_code": "FEE-01", "triage_severity": 2,
          "resolved_at": START + DAY, "updated_at": START + DAY}],
        batch=1,
    )  # fmt: skip
    stores.land(
        "qualtrics__response",
        [{"response_id": "R1", "survey_id": "SV_CSAT", "external_reference": "K1", "related_id": "C1", "q1": 5,
          "recorded_date": START + 5 * DAY}],
        batch=1,
    )  # fmt: skip
    put_case(stores)


def put_case(stores: Stores) -> None:
    signal = signal_id("complaints", "complaint", "C1")
    trigger = {"trigger_id": "t1", "rule_id": "r1", "rule_hash": "h", "signal_id": signal, "occurred_at": START}
    stores.put(
        "ml", "ml_detection__trigger",
        [{**trigger, "kind": "recovery", "subject_type": "customer", "subject_id": "K1", "severity": 2}],
    )  # fmt: skip
    case = {
        "case_id": "C-1",
        "case_no": 1,
        "dedup_key": "d",
        "case_kind": "recovery",
        "rule_id": "r1",
        "customer_id": "K1",
    }
    stores.put(
        "ledger", "case",
        [{**case, "subject_type": "customer", "subject_id": "K1", "cause_id": "fee_dispute", "segment": "mass",
          "episode_started_at": START}],
    )  # fmt: skip
    stores.put("ledger", "case_trigger", [{**trigger, "case_id": "C-1"}])
    events: list[dict[str, Any]] = [
        {"kind": "opened", "state_after": "new", "occurred_at": START, "payload": '{"severity": 2, "case_kind": "recovery"}'},
        {"kind": "sla_applied", "state_after": "new", "occurred_at": START,
         "payload": '{"severity": 2, "reason": "opened", "targets": [{"metric": "resolve", "seconds": 86400, "clock": "wall"}]}'},
        {"kind": "resolved", "state_after": "resolved", "occurred_at": START + DAY, "actor_type": "source",
         "payload": '{"resolution_id": "S1", "playbook_code": "refund"}'},
        {"kind": "closed", "state_after": "closed", "occurred_at": START + DAY, "payload": '{"outcome_code": "in_favour"}'},
    ]  # fmt: skip
    stores.put(
        "ledger", "case_event",
        [{"event_id": n, "seq": n, "case_id": "C-1", "actor_type": "system", "actor_id": "amends",
          "recorded_at": event["occurred_at"], **event} for n, event in enumerate(events, start=1)],
    )  # fmt: skip


def test_a_complaint_is_followed_from_its_row_to_the_outcome_of_its_case(stores: Stores) -> None:
    land_a_complaint_that_came_to_a_case(stores)
    stores.build()
    (signal,) = stores.rows("select * from fct_signal where signal_kind = 'complaint'")
    assert (signal["cause_id"], signal["cause_basis"], signal["journey"]) == ("fee_dispute", "code", "everyday")
    assert (signal["tier"], signal["annual_value_usd"], signal["region"]) == ("silver", 100, "north")
    assert (signal["_source_file"], signal["_line"], signal["_batch_id"]) == ("complaints__complaint-1.csv", 2, 1)
    case = stores.one("select * from fct_case")
    assert (case["state"], case["is_resolved_in_time"], case["seconds_to_resolution"]) == ("closed", True, 86400)
    outcome = stores.one("select * from fct_case_outcome")
    assert (outcome["post_csat"], outcome["is_recovered"], outcome["is_retained_90d"]) == (5, True, True)
    assert (outcome["playbook_code"], outcome["offer_usd"], outcome["handling_minutes"]) == ("refund", 25, 30)
    attempt = stores.one("select * from int_recovery_attempt")
    assert (attempt["attempt_id"], attempt["case_id"], attempt["playbook_code"]) == ("S1", "C-1", "refund")
    assert (attempt["severity"], attempt["severity_basis"], attempt["cause_id"]) == (2, "triage", "fee_dispute")
    assert (attempt["tier"], attempt["wait_hours"], attempt["is_customer_known_before"]) == ("silver", 24, True)
    assert (attempt["is_recovered"], attempt["is_retained_90d"], attempt["margin_90d_usd"]) == (True, True, None)
    assert stores.one("select case_id from fct_trigger")["case_id"] == "C-1"
    rate = stores.one(
        "select numerator, denominator, excluded, missing from agg_recovery_week where metric = 'recovery_rate'"
    )
    assert rate == {"numerator": 1, "denominator": 1, "excluded": 0, "missing": 0}


def test_the_same_ledger_seen_at_an_earlier_moment_knows_less(stores: Stores) -> None:
    land_a_complaint_that_came_to_a_case(stores)
    stores.build(as_of="2025-01-06 12:00:00")
    case = stores.one("select state, is_open, resolved_at, is_overdue from fct_case")
    assert case == {"state": "new", "is_open": True, "resolved_at": None, "is_overdue": False}
    assert stores.one("select is_recovered, is_retained_90d from fct_case_outcome") == {
        "is_recovered": None, "is_retained_90d": None,
    }  # fmt: skip


def test_a_contact_about_the_same_cause_undoes_a_recovery_and_is_counted(stores: Stores) -> None:
    land_a_complaint_that_came_to_a_case(stores)
    again = {"complaint_id": "C2", "customer_id": "K1", "category": "FEE-01", "description": "the fee is back"}
    stores.land(
        "complaints__complaint", [{**again, "received_at": START + 8 * DAY, "updated_at": START + 8 * DAY}], batch=2
    )
    stores.build()
    outcome = stores.one(
        "select is_recovered, has_same_cause_recontact_7d, has_same_cause_recontact_14d from fct_case_outcome"
    )
    assert outcome == {"is_recovered": False, "has_same_cause_recontact_7d": True, "has_same_cause_recontact_14d": True}


def test_what_the_models_read_holds_the_label_and_no_personal_columns(stores: Stores) -> None:
    land_a_complaint_that_came_to_a_case(stores)
    stores.build("tag:prepare")
    path = stores.home / "handoff" / "int_signal.parquet"
    with duckdb.connect() as connection:
        names = [row[0] for row in connection.execute(f"describe select * from '{path}'").fetchall()]
        labels = connection.execute(f"select source_key, coded_cause_id from '{path}' order by 1").fetchall()
    assert labels == [("C1", "fee_dispute"), ("R1", None)]
    assert not {"email_key", "phone_key", "first_name", "last_name"} & set(names)
    assert {"signal_id", "text", "text_hash", "text_author", "related_id", "score_normalised"} <= set(names)
