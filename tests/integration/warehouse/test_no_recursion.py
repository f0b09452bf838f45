"""Note -> signal -> detection -> nothing: what our own people write is analysed, and opens no case."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cases import services
from casework.notes import write_back
from intake.service import take_inbox
from ml.detection.evidence import Evidence
from ml.detection.triggers import Window, detect
from models.case import Actor, EventKind
from models.facts import TriggerFact
from models.settings import Settings
from models.trigger import TriggerRule
from tests.integration.warehouse.stores import Stores

START = datetime(2025, 1, 6, 9, tzinfo=UTC)
AS_OF = datetime(2025, 6, 30, tzinfo=UTC)
RECORDED = datetime(2025, 7, 1, tzinfo=UTC)
WEEKS = 12
WORDS = "She will sue us and close every account, her lawyer wrote from jane@example.com"
DEDUPE = {"dedupe": {"within": "1d"}}
EVERYTHING = TriggerRule.model_validate(
    {"id": "everything", "title": "Everything", "status": "draft", "kind": "recovery", "signal": "any",
     "when": {"field": "signal_id", "op": "is_known"}, "open_case": {"severity": 1, **DEDUPE}}
)  # fmt: skip


@pytest.fixture
def settings(stores: Stores) -> Settings:
    """An installation around the stores, with an empty ledger: the stores' folder is that of the session."""
    from cases import conf

    found = Settings(home=stores.home, programme="bank")
    conf.setup(found)
    from django.db import connection

    connection.close()
    for path in (*stores.home.glob("ledger.*"), *stores.home.glob("intake.*")):
        path.unlink()
    for folder in (found.inbox, found.state, found.vault):
        shutil.rmtree(folder, ignore_errors=True)
    services.migrate(found)
    return found


def trigger(name: str, signal_id: str | None = None) -> TriggerFact:
    return TriggerFact(
        trigger_id=name, rule_id="everything", rule_hash="r", kind="recovery", subject_type="customer", subject_id="K1",
        severity=2, occurred_at=START, customer_id="K1", cause_id="fee_dispute", signal_id=signal_id,
    )  # fmt: skip


def write_notes_that_look_like_a_breakdown(settings: Settings) -> None:
    """One note a week about one case, and twenty in the last."""
    services.open_cases([trigger("t1")], recorded_at=RECORDED)
    case_id = services.case_of_trigger("t1")
    moments = [START + timedelta(weeks=week) for week in range(WEEKS)]
    moments += [moments[-1] + timedelta(minutes=minute) for minute in range(20)]
    for moment in moments:
        services.act(
            case_id, EventKind.NOTE_ADDED, {"note": WORDS}, actor=Actor("person", "E00012"),
            expected_version=services.state_of(case_id).version, occurred_at=moment, recorded_at=RECORDED,
        )  # fmt: skip


def score_as_badly_as_can_be(stores: Stores) -> None:
    """What a model may one day say of every note: the worst severity, and one theme for all."""
    notes = stores.rows("select signal_id, text_hash from int_signal")
    stores.put(
        "ml", "ml_root_cause__prediction",
        [{**note, "severity": 1, "topic_id": 3, "topic_model_id": "m", "model_cause_id": "fee_dispute"} for note in notes],
    )  # fmt: skip
    stores.put("ml", "ml_root_cause__topic", [{"topic_id": 3, "theme_id": "T-1", "topic_model_id": "m"}])


def handed_over(stores: Stores, name: str) -> pa.Table:
    """A hand-over as detection reads it: times with their zone."""
    table = pq.read_table(stores.home / "handoff" / f"{name}.parquet")
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            zoned = pc.assume_timezone(table.column(place), "UTC")
            table = table.set_column(place, field.name, zoned)
    return table


def found(signals: pa.Table) -> set[str]:
    triggers = detect(Evidence(signals), [EVERYTHING], Window(as_of=AS_OF, historic_after_days=400))
    return set(triggers.column("rule_id").to_pylist())


def test_a_note_becomes_a_signal_that_opens_joins_and_worsens_nothing(stores: Stores, settings: Settings) -> None:
    write_notes_that_look_like_a_breakdown(settings)
    events = services.counts().events
    assert write_back(settings) == WEEKS + 20
    (report,) = take_inbox(settings)
    assert report.loaded == WEEKS + 20
    stores.build("tag:prepare")
    score_as_badly_as_can_be(stores)
    stores.build("tag:detect")

    signals = handed_over(stores, "fct_signal")
    assert signals.num_rows == WEEKS + 20 and set(signals.column("severity").to_pylist()) == {1}
    assert found(signals) == set()
    # The control: the very same evidence from somebody else is a breakdown, so what is tested is the guard.
    source = signals.schema.get_field_index("source")
    others = signals.set_column(source, "source", pa.array(["zendesk"] * signals.num_rows))
    assert found(others) == {"everything"}

    assert (write_back(settings), take_inbox(settings)) == (0, [])
    assert services.counts().events == events


def test_a_note_is_evidence_in_the_words_of_an_agent_with_the_case_it_is_about(
    stores: Stores, settings: Settings
) -> None:
    services.open_cases([trigger("t1")], recorded_at=RECORDED)
    case_id = services.case_of_trigger("t1")
    services.act(
        case_id, EventKind.CONTACTED, {"note": WORDS, "channel": "phone"}, actor=Actor("person", "E00012"),
        expected_version=services.state_of(case_id).version, occurred_at=START, recorded_at=RECORDED,
    )  # fmt: skip
    write_back(settings)
    take_inbox(settings)
    stores.build("tag:prepare", "tag:detect")
    signal = stores.one("select * from fct_signal")
    assert (signal["signal_kind"], signal["source"], signal["entity"]) == ("agent_note", "desk", "case_note")
    assert (signal["text_author"], signal["customer_id"], signal["channel"]) == ("agent", "K1", "phone")
    assert (signal["related_type"], signal["related_id"]) == ("case", case_id)
    assert "jane@example.com" not in signal["text"] and signal["text"].startswith("She will sue us")
    assert signal["_source_file"].startswith("case_notes-") and signal["_line"] == 1
    # Our words are no contact by the customer: they must not count as a recontact.
    assert stores.rows("select * from int_interaction") == []


def test_notes_delivered_twice_and_out_of_order_give_the_table_of_one_full_refresh(stores: Stores) -> None:
    def note(number: int, **changed: Any) -> dict[str, Any]:
        return {"note_id": f"{number}-note", "event_id": number, "event_kind": "note_added", "text_key": "note",
                "case_id": "C-1", "author_id": "E1", "written_at": START + timedelta(hours=number),
                "body": f"words {number}", **changed}  # fmt: skip

    stores.land("desk__case_note", [note(2), note(3)], batch=1)
    stores.grow("+int_signal")
    stores.land("desk__case_note", [note(1), note(2)], batch=2)
    stores.grow("+int_signal")
    grown = {table: stores.content(table) for table in ("stg_desk__case_note", "int_signal")}
    assert len(grown["int_signal"]) == 3
    stores.forget_warehouse()
    stores.build("+int_signal")
    assert grown == {table: stores.content(table) for table in grown}


def test_what_was_done_and_said_on_a_case_is_counted_from_a_real_ledger(stores: Stores, settings: Settings) -> None:
    # Django's tables can be imported only once the ledger is known, which the fixture saw to.
    from cases.acting import Change, Move

    services.open_cases([trigger("t1")], recorded_at=RECORDED)
    case_id = services.case_of_trigger("t1")
    arms = [{"code": "refund", "propensity": 0.9}, {"code": "apology", "propensity": 0.1}]
    said = {"playbook_code": "refund", "propensity": 0.9, "arms": arms, "policy": "rules", "policy_version": "v1"}
    sent = {"message_id": "m1", "channel": "email", "purpose": "service", "template": "closure"}
    moves = [
        Move(EventKind.PLAYBOOK_RECOMMENDED, {**said, "by": "recommendation"}),
        Move(EventKind.PLAYBOOK_CHOSEN, {**said, "by": "person"}),
        Move(EventKind.STEP_DONE, {"step": "call", "minutes": 12, "cost_usd": 1.5}),
        Move(EventKind.OFFER_ISSUED, {"offer_code": "credit", "amount_usd": "20.00"}),
        Move(EventKind.RESOLVED, {}),
        Move(EventKind.CLOSED, {"outcome_code": "in_favour", "comment": WORDS}),
        Move(EventKind.MESSAGE_SENT, sent),
        Move(EventKind.CUSTOMER_INFORMED, {"message_id": "m1"}),
        Move(EventKind.CUSTOMER_REPLIED, {"channel": "email"}),
    ]
    services.change(Change(case_id, moves, Actor("person", "E00012"), START + timedelta(days=1)), recorded_at=RECORDED)
    shutil.rmtree(settings.ledger_export)
    services.export(settings)
    stores.build("tag:prepare", "tag:detect", "tag:track")
    assert stores.one("select sum(cost_usd) as cost, sum(handling_minutes) as minutes from fct_case_action") == {
        "cost": 21.5, "minutes": 12,
    }  # fmt: skip
    chosen = stores.one("select * from fct_case_action where action_kind = 'playbook_chosen'")
    assert (chosen["actor_id"], chosen["propensity"], chosen["chosen_by"]) == ("E00012", 0.9, "person")
    assert json.loads(chosen["arms"]) == arms
    told = stores.rows(
        "select communication_kind, direction, author_id, is_outcome_told from fct_communication order by 1"
    )
    assert [tuple(row.values()) for row in told] == [
        ("customer_replied", "inbound", "K1", False), ("message_sent", "outbound", "E00012", True),
    ]  # fmt: skip
    # What people typed leaves the ledger by the door alone.
    assert "lawyer" not in str(stores.content("fct_case_action"))
