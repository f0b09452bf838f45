"""Incremental builds: however the deliveries arrive, the tables are those of one full refresh."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.warehouse.stores import Stores

START = datetime(2025, 1, 6, tzinfo=UTC)
TABLES = (
    "stg_complaints__complaint", "stg_qualtrics__response", "stg_zendesk__ticket", "stg_zendesk__ticket_comment",
    "stg_resolutions__resolution", "stg_crm__customer", "stg_crm__customer_version", "int_signal", "int_signal_label",
    "int_resolution", "int_interaction", "dim_customer",
)  # fmt: skip
SURVEYS = [
    {"survey_id": "SV_NPS", "metric": "nps", "score_min": 0, "score_max": 10, "direction": "up"},
    {"survey_id": "SV_CES1", "metric": "ces", "score_min": 1, "score_max": 5, "direction": "down"},
]
CODES = [
    {"source": None, "code": "FEE-01", "cause_id": "fee_dispute"},
    {"source": None, "code": "APP-01", "cause_id": "app_outage"},
]
CAUSES = [
    {"cause_id": "fee_dispute", "title": "Fees", "failure_type": "policy", "journey": "everyday"},
    {"cause_id": "app_outage", "title": "App outage", "failure_type": "product", "journey": "digital"},
]


def put_programme(stores: Stores) -> None:
    stores.put("programme", "survey", SURVEYS)
    stores.put("programme", "reason_code", CODES)
    stores.put("programme", "cause", CAUSES)


def versions_of_a_small_company(rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Several versions of each record of five entities, related to each other; some versions say nothing new."""

    def moment() -> datetime:
        return START + timedelta(minutes=rng.randrange(60 * 24 * 40))

    def maybe(value: Any) -> Any:
        return value if rng.random() < 0.7 else None

    found: list[tuple[str, dict[str, Any]]] = []
    for number in range(8):
        joined = moment().date()
        for _ in range(rng.randint(1, 4)):
            tier, region = rng.choice(["silver", "gold"]), rng.choice(["north", "south"])
            row = {"customer_id": f"K{number}", "tier": tier, "region": region, "status": "active", "joined_on": joined}
            found.append(("crm__customer", {**row, "updated_at": moment()}))
        for _ in range(rng.randint(1, 4)):
            ticket = {"id": f"T{number}", "requester_id": maybe(f"K{number}"), "product": maybe("card")}
            text = {"subject": rng.choice(["lost", "late"]), "description": maybe("please help")}
            found.append(("zendesk__ticket", {**ticket, **text, "created_at": START, "updated_at": moment()}))
        for copy in range(rng.randint(1, 3)):
            note = {"id": f"N{number}-{copy}", "ticket_id": f"T{rng.randrange(10)}", "author_role": "agent"}
            changing = {"public": rng.random() < 0.3, "created": moment(), "body": "called back"}
            found.append(("zendesk__ticket_comment", {**note, **changing}))
            found.append(("zendesk__ticket_comment", {**note, **changing, "public": rng.random() < 0.3}))
        for _ in range(rng.randint(1, 4)):
            code, status = rng.choice(["FEE-01", "APP-01", "??", None]), rng.choice(["open", "closed"])
            complaint = {"complaint_id": f"C{number}", "customer_id": f"K{number}", "received_at": START}
            found.append(
                ("complaints__complaint", {**complaint, "category": code, "status": status, "updated_at": moment()})
            )
        for _ in range(rng.randint(1, 3)):
            survey, status = rng.choice(["SV_NPS", "SV_CES1"]), rng.choice(["IP Address", "IP Address", "Spam"])
            answer = {"response_id": f"R{number}", "survey_id": survey, "q1": rng.randint(0, 10), "status": status}
            related = maybe(rng.choice([f"T{number}", f"C{number}"]))
            found.append(("qualtrics__response", {**answer, "related_id": related, "recorded_date": moment()}))
        for _ in range(rng.randint(0, 3)):
            done = {"resolution_id": f"S{number}", "subject_type": "complaint", "subject_id": f"C{rng.randrange(8)}"}
            code = rng.choice(["FEE-01", "APP-01"])
            times = {"resolved_at": moment(), "updated_at": moment()}
            found.append(("resolutions__resolution", {**done, **times, "resolution_code": code}))
    return found


def deliver_shuffled(stores: Stores, rng: random.Random, batch: int, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """Land rows of all entities as one intake batch, in any order within it."""
    rng.shuffle(rows)
    for entity in sorted({name for name, _ in rows}):
        stores.land(entity, [row for name, row in rows if name == entity], batch=batch)


@pytest.mark.parametrize(("seed", "batches"), [(1, 3), (2, 4)])
def test_shuffled_late_and_repeated_deliveries_give_the_tables_of_one_full_refresh(
    stores: Stores, seed: int, batches: int
) -> None:
    rng = random.Random(seed)
    put_programme(stores)
    rows = versions_of_a_small_company(rng)
    rows += rng.sample(rows, len(rows) // 5)  # delivered twice
    rng.shuffle(rows)  # late versions before and after newer ones
    size = -(-len(rows) // batches)
    for batch in range(batches):
        deliver_shuffled(stores, rng, batch + 1, rows[batch * size : (batch + 1) * size])
        stores.grow("tag:prepare")
    grown = {table: stores.content(table) for table in TABLES}
    stores.forget_warehouse()
    stores.build("tag:prepare")
    for table in TABLES:
        assert grown[table] == stores.content(table), table
    assert all(grown[table] for table in TABLES)


def test_a_version_that_arrives_late_loses_against_the_newer_one_already_there(stores: Stores) -> None:
    old = {"complaint_id": "C1", "status": "open", "description": "first words", "updated_at": START}
    new = {**old, "status": "closed", "description": "second words", "updated_at": START + timedelta(days=1)}
    stores.land("complaints__complaint", [new], batch=1)
    stores.grow("+int_signal")
    stores.land("complaints__complaint", [old], batch=2)
    stores.grow("+int_signal")
    assert stores.one("select status, _batch_id from stg_complaints__complaint") == {"status": "closed", "_batch_id": 1}
    assert stores.one("select text, _batch_id from int_signal") == {"text": "second words", "_batch_id": 1}


def test_a_correction_replaces_the_signal_it_corrects(stores: Stores) -> None:
    first = {"complaint_id": "C1", "description": "wrong words", "received_at": START, "updated_at": START}
    stores.land("complaints__complaint", [first], batch=1)
    stores.grow("+int_signal")
    before = stores.one("select signal_id, text_hash from int_signal")
    corrected = {**first, "description": "right words", "updated_at": START + timedelta(days=1)}
    stores.land("complaints__complaint", [corrected], batch=2)
    stores.grow("+int_signal")
    after = stores.one("select signal_id, text_hash, text from int_signal")
    assert after["signal_id"] == before["signal_id"]
    assert after["text_hash"] != before["text_hash"]
    assert after["text"] == "right words"


def test_a_note_finds_its_customer_when_the_ticket_arrives_after_it(stores: Stores) -> None:
    note = {"id": "N1", "ticket_id": "T1", "author_role": "agent", "public": False, "body": "called", "created": START}
    stores.land("zendesk__ticket_comment", [note], batch=1)
    stores.grow("+int_signal")
    assert stores.one("select customer_id from int_signal")["customer_id"] is None
    ticket = {"id": "T1", "requester_id": "K1", "created_at": START, "updated_at": START}
    stores.land("zendesk__ticket", [ticket], batch=2)
    stores.grow("+int_signal")
    (row,) = stores.rows("select customer_id from int_signal where signal_kind = 'agent_note'")
    assert row["customer_id"] == "K1"


def test_an_answer_marked_as_spam_later_stops_being_evidence(stores: Stores) -> None:
    put_programme(stores)
    answer = {"response_id": "R1", "survey_id": "SV_NPS", "q1": 0, "recorded_date": START}
    stores.land("qualtrics__response", [answer], batch=1)
    stores.grow("+int_signal")
    assert stores.one("select count(*) as signals from int_signal")["signals"] == 1
    stores.land("qualtrics__response", [{**answer, "status": "Spam"}], batch=2)
    stores.grow("+int_signal")
    assert stores.one("select count(*) as signals from int_signal")["signals"] == 0


def test_answers_follow_a_survey_that_is_defined_or_corrected_after_them(stores: Stores) -> None:
    answer = {"response_id": "R1", "survey_id": "SV_CES1", "q1": 1, "recorded_date": START}
    stores.land("qualtrics__response", [answer], batch=1)
    stores.grow("+int_signal")
    question = "select score_metric, score_normalised from int_signal"
    assert stores.one(question) == {"score_metric": None, "score_normalised": None}
    put_programme(stores)
    stores.grow("+int_signal")
    assert stores.one(question) == {"score_metric": "ces", "score_normalised": 1.0}
    stores.put("programme", "survey", [{**SURVEYS[1], "direction": "up"}])
    stores.grow("+int_signal")
    assert stores.one(question) == {"score_metric": "ces", "score_normalised": 0.0}


def test_building_twice_over_the_same_landing_changes_nothing(stores: Stores) -> None:
    rng = random.Random(4)
    put_programme(stores)
    deliver_shuffled(stores, rng, 1, versions_of_a_small_company(rng))
    stores.build("tag:prepare")
    before = {table: stores.content(table) for table in (*TABLES, "snap_customer")}
    stores.build("tag:prepare")
    assert before == {table: stores.content(table) for table in (*TABLES, "snap_customer")}
