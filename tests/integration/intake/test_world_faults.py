"""Every fault planted in a synthetic company's files is found at its file and line, and nothing else is."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from intake.quarantine import read_lines
from intake.service import take_inbox
from models.settings import Settings

build = pytest.importorskip("world.build", reason="the synthetic company is not built yet")

ZONES = {"bank": "America/New_York", "telecom": "Europe/London"}


@pytest.fixture(scope="module", params=sorted(ZONES))
def taken(request, tmp_path_factory):
    company = request.param
    folder: Path = tmp_path_factory.mktemp(company)
    summary = build.build_world(company=company, customers=300, weeks=12, seed=3, out=folder)
    home = Settings(home=folder / "home", programme=str(folder))
    shutil.copytree(folder / "sources", home.inbox)
    # The world ends on 2026-03-30: a date 400 days later is in the future whatever day the test runs on.
    reports = take_inbox(home, timezone=ZONES[company], received_on=date(2026, 4, 1))
    return folder, home, reports, summary


def rows(folder, table, select, where="true"):
    return duckdb.sql(f"SELECT {select} FROM '{folder / 'truth' / f'{table}.parquet'}' WHERE {where}").fetchall()


def test_every_planted_fault_is_in_quarantine_with_its_reason_and_nothing_else_is(taken):
    folder, home, reports, _ = taken
    whole = {report.file for report in reports if report.status == "already_delivered"}
    found: dict[tuple[str, str, str, int], set[str]] = {}
    for line in read_lines(home):
        found.setdefault((line.source, line.entity, line.file, line.line), set()).add(line.reason.value)
    planted = {
        (source, entity, Path(file).name, line): reason
        for source, entity, file, line, reason in rows(folder, "planted_fault", "source, entity, file, line, reason")
        if Path(file).name not in whole
    }
    assert planted
    missed = {place: reason for place, reason in planted.items() if reason not in found.get(place, set())}
    assert missed == {}
    assert set(found) == set(planted)


def test_rows_of_every_file_add_up_to_what_the_world_wrote(taken):
    _, _, reports, summary = taken
    assert all(report.rows == report.loaded + report.quarantined + report.duplicates for report in reports)
    assert {f"{report.source}/{report.file}": report.rows for report in reports} == summary.sources


def test_a_second_look_at_the_inbox_takes_nothing(taken):
    _, home, _, _ = taken
    assert take_inbox(home, timezone="UTC") == []
