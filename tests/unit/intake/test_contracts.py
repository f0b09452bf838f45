"""Contracts are complete, and an inconsistent one is refused with a sentence."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from intake.contracts import CONTRACT_DIR, ContractError, load_contracts, read_contract
from intake.landing import ensure_landing, landing_schema
from models.contract import fold_heading

ENTITIES = {
    "complaints__complaint",
    "qualtrics__response",
    "qualtrics__invitation",
    "crm__customer",
    "zendesk__ticket",
    "zendesk__ticket_field_history",
    "zendesk__ticket_comment",
    "qa__audit",
    "escalations__escalation",
    "resolutions__resolution",
    "billing__order",
    "hr__org_chart",
    "changes__change_log",
    "reviews__review",
    "salesforce__case",
    "cfpb__complaint",
    "city311__request",
    "desk__case_note",
    "feedback__item",
}


def test_every_entity_has_a_contract_that_describes_every_column():
    contracts = load_contracts()
    assert {contract.name for contract in contracts.values()} == ENTITIES
    for contract in contracts.values():
        assert all(column.description.endswith(".") for column in contract.columns)
        assert contract.owner and contract.grain.startswith("One row per")


def test_people_are_taken_before_texts_about_them():
    order = [contract.name for contract in load_contracts().values()]
    assert order[:3] == ["crm__customer", "hr__org_chart", "zendesk__ticket"]


def test_every_entity_has_a_landing_table_before_anything_is_delivered(home):
    ensure_landing(home.settings)
    for contract in load_contracts().values():
        path = home.settings.landing / contract.name / "_schema.parquet"
        assert pq.read_schema(path).equals(landing_schema(contract))
        assert pq.read_metadata(path).num_rows == 0
    before = {path: path.stat().st_mtime_ns for path in home.settings.landing.rglob("*")}
    ensure_landing(home.settings)
    assert {path: path.stat().st_mtime_ns for path in home.settings.landing.rglob("*")} == before


def test_a_landed_file_and_the_schema_file_have_the_same_columns(home, row, headings):
    home.take("complaints", home.csv("c.csv", headings, [row(1)]))
    schemas = [pq.read_schema(path) for path in (home.settings.landing / "complaints__complaint").glob("*.parquet")]
    assert len(schemas) == 2 and schemas[0].equals(schemas[1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("key: [complaint_id]", "key: [complaint_no]"), "key names 'complaint_no', which is not a column"),
        (("timezone: programme, required", "timezone: Mars/Base, required"), "neither 'utc', 'programme' nor a name"),
        (("name: region, type: text", "name: product, type: text"), "column defined twice: product"),
        (("grain: One row per", "grain: Rows per"), "grain"),
        (("max_length: 64, description: Number", "colour: red, description: Number"), "Extra inputs are not permitted"),
        (("type: text, required: true, pii: text", "type: integer, pii: text"), "personal data must be a text column"),
        (
            ("name: channel, type: text, required: true, allowed", "name: channel, type: integer, allowed"),
            "needs a text column",
        ),
        (("subject: customer_id", "subject: nobody"), "subject names 'nobody'"),
        (("source: complaints", "source: grumbles"), "should be called grumbles__complaint.yml"),
        (("columns:", "columns: ["), "is not YAML"),
    ],
)
def test_an_inconsistent_contract_is_refused_with_a_sentence(tmp_path, change, sentence):
    text = (CONTRACT_DIR / "complaints__complaint.yml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "complaints__complaint.yml"
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ContractError, match=sentence.replace("(", r"\(")):
        read_contract(path)


def test_headings_are_told_apart_by_letters_and_digits_only():
    assert fold_heading("Timely response?") == fold_heading("timely_response") == "timelyresponse"


def test_resolutions_exported_before_severity_was_noted_still_load_and_know_none(home):
    older = ["resolution_id", "subject_type", "subject_id", "playbook_code", "offer_usd", "resolution_code",
             "resolved_at", "outcome", "handling_minutes", "updated_at"]  # fmt: skip
    row = ["ticket", "T1", "none", "0.00", "FEE-01", "2025-05-02T10:00:00Z", "partial", "12", "2025-05-02T10:00:00Z"]
    assert home.take("resolutions", home.csv("resolution_old.csv", older, [["R1", *row]])).loaded == 1
    newer = [*older, "triage_severity"]
    report = home.take(
        "resolutions", home.csv("resolution_new.csv", newer, [["R2", *row, "1"], ["R3", *row, ""], ["R4", *row, "5"]])
    )
    assert (report.loaded, report.quarantined) == (2, 1)
    landed = home.landed("resolutions__resolution", "resolution_id, triage_severity", "resolution_id")
    assert landed == [("R1", None), ("R2", 1), ("R3", None)]
