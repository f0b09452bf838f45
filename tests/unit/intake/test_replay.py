"""Rows set aside are tried again once their contract is mended."""

from __future__ import annotations

import pytest

from intake.contracts import load_contracts
from intake.quarantine import read_lines, replay

KEY = ("complaints", "complaint")


def mended():
    contract = load_contracts()[KEY]
    columns = tuple(
        column.model_copy(update={"allowed": (*column.allowed, "fax")}) if column.name == "channel" else column
        for column in contract.columns
    )
    return contract.model_copy(update={"columns": columns})


def test_a_mended_contract_brings_its_rows_back_under_their_old_file_and_line(home, row, headings):
    rows = [row(1), row(2, channel="fax"), row(3, channel="fax", status="gone"), row(4, channel="fax")]
    path = home.csv("c.csv", headings, rows)
    path.write_text(path.read_text(encoding="utf-8") + "C9,too,few\n", encoding="utf-8")
    home.take("complaints", path)
    (report,) = replay(home.settings, mended())
    assert (report.rows, report.loaded, report.quarantined) == (4, 2, 2)
    assert home.landed("complaints__complaint", "complaint_id, _source_file, _line", "_line") == [
        ("C1", "c.csv", 2),
        ("C2", "c.csv", 3),
        ("C4", "c.csv", 5),
    ]
    assert [(line.line, line.reason.value) for line in read_lines(home.settings, *KEY)] == [
        (4, "not_allowed"),
        (6, "too_few_fields"),
    ]


def test_a_replay_that_mends_nothing_changes_nothing(home, row, headings):
    home.take("complaints", home.csv("c.csv", headings, [row(1), row(2, channel="fax")]))
    before = read_lines(home.settings)
    assert replay(home.settings, load_contracts()[KEY]) == []
    assert read_lines(home.settings) == before


@pytest.mark.parametrize("step", ["files_written", "published_landing", "committed"])
def test_a_killed_replay_is_healed_by_the_next_one(home, row, headings, step):
    home.take("complaints", home.csv("c.csv", headings, [row(1), row(2, channel="fax"), row(3, status="gone")]))

    def kill(at):
        if at == step:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        replay(home.settings, mended(), on_step=kill)
    replay(home.settings, mended())
    assert [c for (c,) in home.landed("complaints__complaint", "complaint_id", "complaint_id")] == ["C1", "C2"]
    assert [line.line for line in read_lines(home.settings)] == [4]


def test_a_json_line_is_tried_again_too(home):
    home.take(
        "reviews",
        home.file(
            "r.jsonl",
            '{"review_id":"1","posted_at":"2025-05-01T10:00:00Z","site":"radio"}\n{"review_id":"2","posted_at":"2025-05-01T10:00:00Z","site":["maps"]}\n',
        ),
    )
    contract = load_contracts()[("reviews", "review")]
    columns = tuple(c.model_copy(update={"allowed": ()}) for c in contract.columns)
    (report,) = replay(home.settings, contract.model_copy(update={"columns": columns}))
    assert (report.loaded, report.quarantined, report.faults) == (1, 1, {"nested_value": 1})
