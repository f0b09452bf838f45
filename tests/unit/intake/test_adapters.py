"""Golden files: every kind of system's export lands as the same small, made-up table each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import shared_data

GOLDEN = Path(__file__).parent / "golden"
CASES = [
    ("complaints", "complaints.csv", "complaints__complaint"),
    ("cfpb", "cfpb_official.csv", "cfpb__complaint"),
    ("cfpb", "cfpb_api.ndjson", "cfpb__complaint"),
    ("cfpb", "cfpb_answer.json", "cfpb__complaint"),
    ("zendesk", "zendesk_tickets.jsonl", "zendesk__ticket"),
    ("zendesk", "zendesk_history.csv", "zendesk__ticket_field_history"),
    ("qualtrics", "qualtrics.csv", "qualtrics__response"),
    ("salesforce", "salesforce.csv", "salesforce__case"),
    ("city311", "city311.csv", "city311__request"),
]


def landed(home, name):
    rows = home.landed(name, "* EXCLUDE (_loaded_at, _batch_id, _row_hash)", "_line")
    return [[None if value is None else str(value) for value in row] for row in rows]


@pytest.mark.parametrize(("source", "file", "name"), CASES, ids=[case[1] for case in CASES])
def test_an_export_lands_as_its_golden_table_says(home, source, file, name):
    report = home.take(source, GOLDEN / file)
    expected = json.loads((GOLDEN / f"{file}.expected.json").read_text(encoding="utf-8"))
    assert {"counts": [report.rows, report.loaded, report.quarantined, report.duplicates], "faults": report.faults} == {
        "counts": expected["counts"],
        "faults": expected["faults"],
    }
    assert landed(home, name) == expected["landed"]


def test_one_complaint_in_three_formats_and_spellings_is_one_row(home):
    assert home.take("cfpb", GOLDEN / "cfpb_official.csv").loaded == 3
    assert home.take("cfpb", GOLDEN / "cfpb_answer.json").duplicates == 2


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("complaints_official_header_3000.csv.gz", 3000),
        ("cfpb_narratives_dev.parquet", 7831),
        ("cfpb_complaints_no_text.parquet", 173898),
    ],
)
def test_real_consumer_complaints_land_whole(home, file, rows):
    report = home.take("cfpb", shared_data("cfpb", file), received_on=None)
    assert (report.rows, report.loaded, report.quarantined) == (rows, rows, 0)


@pytest.mark.parametrize("file", ["v1-intake.csv", "v1-public.csv", "v2-intake.csv", "v2-public.csv"])
def test_the_agencys_own_csv_exports_all_land(home, file):
    assert home.take("cfpb", shared_data("cfpb", "fixtures_ccdb-data-pipeline", file)).loaded == 30


@pytest.mark.parametrize("file", ["from_s3.json", "from_s3.ndjson", "exp_s3.ndjson"])
def test_the_agencys_own_json_exports_land_but_for_the_row_without_a_date(home, file):
    report = home.take("cfpb", shared_data("cfpb", "fixtures_ccdb-data-pipeline", file))
    assert (report.loaded, report.faults) == (9, {"missing_value": 1})


@pytest.mark.parametrize("file", ["metadata.json", "exp_hero-map-3y.json", "utf-8.csv", "complaints-subset.csv"])
def test_other_files_of_the_agency_are_refused(home, file):
    assert home.take("cfpb", shared_data("cfpb", "fixtures_ccdb-data-pipeline", file)).status == "refused"


def test_real_city_requests_land_whole(home):
    report = home.take("city311", shared_data("boston_311_2015", "boston_311_2015H1.parquet"))
    assert (report.rows, report.loaded) == (58119, 58119)
