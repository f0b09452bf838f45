"""The world as a whole: reproducible bytes, complete files, sane volumes."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.unit.world.conftest import Built
from world.build import build_world
from world.truth import SCHEMAS


def digests(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("company", ["bank", "telecom"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, company: str) -> None:
    for name in ("a", "b"):
        build_world(company=company, customers=300, weeks=10, seed=5, out=tmp_path / name)  # type: ignore[arg-type]
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_another_seed_gives_another_world_in_every_table(tmp_path: Path) -> None:
    for seed in (5, 6):
        build_world(company="bank", customers=300, weeks=10, seed=seed, out=tmp_path / str(seed))
    one, two = digests(tmp_path / "5"), digests(tmp_path / "6")
    same = {name for name in one.keys() & two.keys() if one[name] == two[name]}
    assert same <= {"truth/breakdown.parquet"}


def test_building_again_replaces_the_earlier_world(tmp_path: Path) -> None:
    build_world(company="bank", customers=200, weeks=12, seed=1, out=tmp_path)
    build_world(company="bank", customers=200, weeks=4, seed=1, out=tmp_path)
    assert not list((tmp_path / "sources").rglob("*2026-03*"))


def test_a_world_without_faults_plants_none(tmp_path: Path) -> None:
    summary = build_world(company="bank", customers=200, weeks=6, seed=1, out=tmp_path, faults=False)
    assert summary.truth["planted_fault"] == 0
    assert not any(b"-F0000" in p.read_bytes() for p in (tmp_path / "sources").rglob("*") if p.is_file())


def test_an_end_date_places_the_period_by_its_end(tmp_path: Path) -> None:
    summary = build_world(company="bank", customers=200, weeks=5, seed=1, out=tmp_path, end=date(2026, 11, 19))
    assert (summary.start, summary.end) == ("2026-10-12", "2026-11-16")


@pytest.mark.parametrize(
    "wrong", [{"customers": 10}, {"weeks": 2}, {"company": "airline"}, {"start": date(2026, 1, 6)}]
)
def test_impossible_arguments_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    arguments: dict[str, object] = {"company": "bank", "customers": 100, "weeks": 6, "seed": 1, "out": tmp_path} | wrong
    with pytest.raises(ValueError):
        build_world(**arguments)  # type: ignore[arg-type]


def test_the_manifest_counts_every_file(bank: Built) -> None:
    manifest = json.loads((bank.folder / "truth" / "manifest.json").read_text(encoding="utf-8"))
    files = {str(p.relative_to(bank.folder / "sources")) for p in (bank.folder / "sources").rglob("*") if p.is_file()}
    assert set(manifest["sources"]) == files
    for table in SCHEMAS:
        assert manifest["truth"][table] == len(bank.truth(table)), table


def test_the_demo_world_has_the_volumes_it_promises(bank: Built) -> None:
    texts = bank.truth("text_truth")
    signals = texts[~texts["column"].isin(["subject"])]
    kinds = signals.groupby(["source", "entity"]).size()
    assert 2200 <= kinds["complaints", "complaint"] <= 2900
    assert 1700 <= kinds["zendesk", "ticket"] <= 2500
    assert 200 <= kinds["reviews", "review"] <= 400
    answers = bank.truth("survey_propensity")["responded"].sum()
    assert 1200 <= answers <= 1800
    assert 0.4 <= kinds["qualtrics", "response"] / answers <= 0.6
    orders = bank.read("billing", "order")["order_id"].nunique()
    assert 0.9 <= orders / (4000 * 26 * 7 / 30.4) <= 1.4


def test_files_parse_with_duckdb_once_the_faults_are_left_out(bank: Built, tmp_path: Path) -> None:
    for file in bank.summary.sources:
        if file.startswith("qualtrics/response") or not any(month in file for month in ("2026-02", "2026-04")):
            continue
        clean = tmp_path / "clean"
        clean.write_bytes(bank.good_bytes(file))
        reader = (
            f"read_json_auto('{clean}', format='newline_delimited')"
            if file.endswith("jsonl")
            else (
                f"read_csv('{clean}', delim=',', quote='\"', escape='\"', header=true, all_varchar=true, strict_mode=true)"
            )
        )
        planted = bank.truth("planted_fault")["file"] == file.replace("_resend", "")
        rows = duckdb.sql(f"select count(*) from {reader}").fetchone()
        assert rows == (bank.summary.sources[file] - planted.sum(),), file


def test_both_companies_export_the_same_entities(bank: Built, telecom: Built) -> None:
    assert bank.summary.entity_rows().keys() == telecom.summary.entity_rows().keys()
    assert len(bank.summary.entity_rows()) == 14
    assert set(telecom.read("crm", "customer")["segment"]) == {"prepaid", "postpaid", "family", "business"}
    assert set(telecom.read("crm", "customer")["branch_id"]) == {""}
