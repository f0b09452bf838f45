"""Planted faults, repeats, late and corrected rows are where the truth says."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from tests.unit.world.conftest import Built
from world.faults import PLANTED

HEADINGS = {"qualtrics/response": 3}


def line_of(world: Built, file: str, line: int) -> bytes:
    return (world.folder / "sources" / file).read_bytes().split(b"\n")[line - 1]


def header_of(world: Built, file: str) -> list[str]:
    return (world.folder / "sources" / file).read_bytes().split(b"\n")[0].decode().split(",")


def evidence(world: Built, fault: pd.Series) -> bool:
    """Whether the planted line shows the fault that the truth claims."""
    raw = line_of(world, fault["file"], int(fault["line"]))
    reason, column = fault["reason"], fault["column"]
    if reason == "invalid_encoding":
        return b"\xff\xfe" in raw
    if reason == "nul_byte":
        return b"\x00" in raw
    if reason == "unterminated_quote":
        return raw.count(b'"') % 2 == 1 and (world.folder / "sources" / fault["file"]).read_bytes().endswith(
            raw + b"\n"
        )
    if fault["file"].endswith("jsonl"):
        if reason == "invalid_json":
            with pytest.raises(json.JSONDecodeError):
                json.loads(raw)
            return True
        cell = json.loads(raw)[column]
    else:
        header = header_of(world, fault["file"])
        cells = next(csv.reader([raw.decode()]))
        if reason in ("too_few_fields", "too_many_fields"):
            return len(cells) < len(header) if reason == "too_few_fields" else len(cells) > len(header)
        assert len(cells) == len(header)
        cell = cells[header.index(column)]
    return wrong(reason, cell, world)


def wrong(reason: str, cell: object, world: Built) -> bool:
    if reason == "missing_value":
        return cell in (None, "")
    if reason == "future_date":
        return str(cell)[:10] > f"{int(world.summary.end[:4]) + 1}{world.summary.end[4:]}"
    if reason in ("not_a_timestamp", "not_a_date"):
        with pytest.raises(ValueError):
            datetime.fromisoformat(str(cell))
        return True
    if reason in ("not_money", "not_an_integer"):
        with pytest.raises(ValueError):
            float(str(cell))
        return True
    if reason == "nonexistent_local_time":
        zone = ZoneInfo({"bank": "America/New_York", "telecom": "Europe/London"}[world.summary.company])
        local = datetime.fromisoformat(str(cell)).replace(tzinfo=zone)
        return local.astimezone(ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
    return {
        "out_of_range": lambda: float(str(cell)) > 5,
        "not_allowed": lambda: isinstance(cell, str) and cell != "",
    }[reason]()


@pytest.mark.parametrize("name", ["bank", "telecom"])
def test_every_planted_fault_is_found_at_its_file_and_line(name: str, request: pytest.FixtureRequest) -> None:
    world: Built = request.getfixturevalue(name)
    faults = world.truth("planted_fault")
    assert len(faults) > 60
    for _, fault in faults.iterrows():
        assert evidence(world, fault), fault.to_dict()


def test_every_kind_of_fault_is_planted_in_every_entity_that_has_it(bank: Built) -> None:
    faults = bank.truth("planted_fault")
    seen = set(zip(faults["source"], faults["entity"], faults["reason"], strict=True))
    for (source, entity), kinds in PLANTED.items():
        for kind in kinds:
            assert (source, entity, kind.reason) in seen, (source, entity, kind)
    assert ("complaints", "complaint", "nonexistent_local_time") in seen


def test_the_faults_hold_an_nps_of_eleven(bank: Built) -> None:
    faults = bank.truth("planted_fault").query("entity == 'response' and reason == 'out_of_range'")
    cells = [
        next(csv.reader([line_of(bank, f, n).decode()])) for f, n in zip(faults["file"], faults["line"], strict=True)
    ]
    assert cells and all(c[14] == "11" and c[11] == "SV_NPS" for c in cells)


def test_response_files_have_three_header_rows(bank: Built) -> None:
    with (bank.folder / "sources" / "qualtrics" / "response_2026-02.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for _, row in zip(range(3), csv.reader(handle), strict=False)]
    assert rows[0][0] == "StartDate" and rows[1][0] == "Start Date"
    assert json.loads(rows[2][0]) == {"ImportId": "startDate"}


def test_a_resent_file_has_the_bytes_of_the_first(bank: Built) -> None:
    again = bank.truth("delivery").query("kind == 'duplicate_file'")["file"]
    assert len(again) == 2
    for name in again:
        resent = bank.folder / "sources" / name
        assert resent.read_bytes() == resent.with_name(resent.name.replace("_resend", "")).read_bytes()


def test_overlapping_rows_are_repeated_unchanged(bank: Built) -> None:
    overlap = bank.truth("delivery").query("kind == 'overlap' and entity == 'complaint'")
    rows = bank.read("complaints", "complaint")
    assert len(overlap) >= 30
    for key in overlap["key"].head(20):
        same = rows[rows["complaint_id"] == key].drop(columns="_file")
        assert same.duplicated().any(), key


def test_late_rows_arrive_in_a_later_file(bank: Built) -> None:
    late = set(bank.truth("delivery").query("kind == 'late' and entity == 'order'")["key"])
    orders = bank.read("billing", "order")
    first = orders.drop_duplicates("order_id").set_index("order_id")
    assert len(late) > 50
    for key in late:
        assert first.loc[key, "_file"][-11:-4] > first.loc[key, "ordered_at"][:7]


def test_corrected_rows_keep_their_key_and_carry_a_newer_version(bank: Built) -> None:
    corrected = set(bank.truth("delivery").query("kind == 'corrected' and entity == 'complaint'")["key"])
    rows = bank.read("complaints", "complaint")
    versions = rows[rows["complaint_id"].isin(corrected)].groupby("complaint_id")["updated_at"].nunique()
    assert len(versions) >= 5
    assert (versions >= 2).all()


def test_a_complaint_closes_in_a_later_version_only(bank: Built) -> None:
    rows = bank.read("complaints", "complaint").sort_values("updated_at")
    states = rows.groupby("complaint_id")["status"].agg(list)
    assert all(s == sorted(s, reverse=True) for s in states), "a closed complaint never opens again"
    assert (rows["updated_at"] >= rows["received_at"]).all()


def test_local_times_skip_the_hour_that_never_was(bank: Built) -> None:
    received = bank.read("complaints", "complaint")["received_at"]
    morning = received[received.str.startswith("2026-03-08 0")]
    assert not morning.str.startswith("2026-03-08 02").any()
    assert morning.str.startswith("2026-03-08 01").any() and morning.str.startswith("2026-03-08 03").any()
