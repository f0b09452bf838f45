"""JSON Lines, JSON documents and Parquet are counted and quarantined as exactly as CSV."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq


def ticket(number, **changes):
    record = {
        "id": str(number),
        "created_at": "2025-05-01T10:00:00Z",
        "updated_at": "2025-05-01T10:00:00Z",
        "status": "new",
        "subject": "card",
        "description": f"text {number}",
        "via_channel": "web",
    }
    return json.dumps({**record, **changes})


def take(home, *lines):
    return home.take("zendesk", home.file("t.jsonl", "\n".join(lines) + "\n"), entity="ticket")


def test_a_bad_line_costs_one_row_and_names_its_line(home):
    report = take(home, ticket(1), '{"id": "2", ', "[1, 2]", ticket(4), '"text"')
    assert (report.loaded, report.faults) == (2, {"invalid_json": 1, "not_an_object": 2})
    assert [fault[0] for fault in home.faults("zendesk__ticket")] == [2, 3, 5]
    assert home.landed("zendesk__ticket", "id, _line") == [("1", 1), ("4", 4)]


def test_blank_lines_are_no_rows_and_keep_their_number(home):
    report = take(home, ticket(1), "", ticket(3))
    assert report.rows == 2
    assert [line for (line,) in home.landed("zendesk__ticket", "_line")] == [1, 3]


def test_numbers_keep_their_spelling_and_lists_become_json(home):
    take(home, ticket(1, id=12345678901234567890, tags=["b", "a"], external_id=1.25).replace("1.25", "1.250"))
    assert home.landed("zendesk__ticket", "id, tags, external_id") == [("12345678901234567890", '["b","a"]', "1.250")]


def test_a_list_where_one_value_belongs_is_a_fault_of_that_column(home):
    report = take(home, ticket(1), ticket(2, product=["a"]))
    assert report.faults == {"nested_value": 1}
    assert home.faults("zendesk__ticket") == [(2, "product", "json-like", "nested_value")]


def test_nul_lone_surrogates_and_bad_bytes_are_faults_and_not_crashes(home):
    lines = [
        ticket(1).encode(),
        ticket(2, product="a\0b").encode(),
        ticket(3).replace("card", "\\ud800").encode(),
        ticket(4).replace("card", "caf\xe9").encode("latin-1"),
    ]
    report = home.take("zendesk", home.file("t.jsonl", b"\n".join(lines)), entity="ticket")
    assert (report.loaded, report.faults) == (1, {"nul_byte": 1, "invalid_encoding": 2})


def test_deep_nesting_is_a_fault_and_not_a_crash(home):
    assert take(home, ticket(1), "[" * 100_000).faults == {"invalid_json": 1}


def test_records_without_a_required_key_anywhere_refuse_the_file(home):
    report = home.take("reviews", home.file("r.jsonl", '{"review": "1", "posted_at": "2025-05-01T10:00:00Z"}\n'))
    assert report.status == "refused" and "review_id" in report.message


def test_a_file_of_broken_lines_only_is_nothing_usable(home):
    report = take(home, "x", "y")
    assert (report.status, report.quarantined) == ("nothing_usable", 2)


def test_parquet_types_become_what_the_contract_says(home):
    table = pa.table(
        {
            "CASE_ENQUIRY_ID": pa.array([1.0, 2.0]),
            "OPEN_DT": pa.array([datetime(2025, 1, 5, 12), datetime(2025, 1, 6, 12)], type=pa.timestamp("ns")),
            "case_status": pa.array(["Open", "Closed"]).dictionary_encode(),
            "case_title": ["a", None],
        }
    )
    pq.write_table(table, home.folder / "r.parquet")
    report = home.take("city311", home.folder / "r.parquet")
    assert report.loaded == 2
    assert home.landed("city311__request", "case_enquiry_id, hour(open_dt), case_status, _line") == [
        ("1", 17, "Open", 1),
        ("2", 17, "Closed", 2),
    ]


def test_a_damaged_or_empty_parquet_gives_a_clear_result(home):
    assert home.take("city311", home.file("bad.parquet", b"PAR1 this is none")).status == "refused"
    assert home.take("city311", home.file("nothing.parquet", b"")).status == "empty"
    names = ["case_enquiry_id", "open_dt", "case_status"]
    pq.write_table(pa.table([pa.array([], type=pa.string())] * 3, names=names), home.folder / "z.parquet")
    assert home.take("city311", home.folder / "z.parquet").status == "empty"


def test_a_format_the_contract_does_not_take_is_refused(home):
    assert "comes as csv" in home.take("hr", home.file("h.jsonl", "{}\n")).message
    assert "must end in" in home.take("hr", home.file("h.xlsx", b"PK")).message
