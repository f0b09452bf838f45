"""`amends check invariants` over a whole installation: green when it is whole, and red where it was broken."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from amends.cli import app
from cases import conf, services
from intake.registry import Outcome, Registry
from ml.store import ModelStore
from models.facts import TriggerFact
from models.settings import Settings
from publishing.gate import CheckStatus
from publishing.publish import publish

runner = CliRunner()
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHA = "ab" * 32


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation at rest: two cases, a delivery, an active model and a published build."""
    for name in ("PROGRAMME", "AS_OF", "LEDGER_URL"):
        monkeypatch.delenv(f"AMENDS_{name}", raising=False)
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    settings = Settings(home=tmp_path / "home")
    services.migrate(settings)
    services.open_cases([fact(1), fact(2)], recorded_at=AT)
    deliver(settings, rows=3, landed=2)
    store = ModelStore(settings.model_store)
    store.save("topics", "t1", {"model.json": b"{}"})
    store.promote("topics", "t1")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("CREATE TABLE fct_case AS SELECT 1 AS case_id")
    green = (CheckStatus("fct_case", "unique", passed=True),)
    publish(settings.warehouse, settings.published, ["fct_case"], build_id="b1", as_of=AT, checks=green, provenance={})
    yield settings
    conf.setup(settings)


def fact(number: int) -> TriggerFact:
    return TriggerFact(
        trigger_id=f"t{number}", rule_id="detractor", rule_hash="r", kind="recovery", subject_type="customer",
        subject_id=f"C{number}", customer_id=f"C{number}", cause_id="fee", severity=3, occurred_at=AT,
    )  # fmt: skip


def deliver(settings: Settings, *, rows: int, landed: int) -> None:
    """A delivery of three rows, two of which landed and one was set aside."""
    registry = Registry(settings.intake_db)
    number = registry.begin(SHA, "crm", "customer", "a.csv")
    registry.finish(number, Outcome(rows, 2, 1, 0, "loaded"))
    registry.close()
    folder = settings.landing / "crm__customer"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": list(range(landed))}), folder / f"{number}-{SHA[:12]}.parquet")


def ask() -> tuple[int, dict[str, Any]]:
    done = runner.invoke(app, ["check", "invariants", "--json"])
    return done.exit_code, json.loads(done.stdout)


def red() -> set[str]:
    code, report = ask()
    found = {name for name, one in report["invariants"].items() if not one["ok"]}
    assert (code == 0) == report["ok"] == (not found)
    return found


def test_a_whole_installation_is_green_and_every_invariant_is_answered(home: Settings) -> None:
    code, report = ask()
    assert (code, report["ok"]) == (0, True)
    assert list(report["invariants"]) == [f"I{n}" for n in (*range(1, 11), 12, 13)]
    assert report["left_to_tests"] == ["I11"]
    assert {set(one) >= {"ok", "what", "checked", "problems"} for one in report["invariants"].values()} == {True}


def test_a_person_reads_the_same_in_words(home: Settings) -> None:
    assert "Everything holds." in runner.invoke(app, ["check", "invariants"]).stdout
    (home.published / "CURRENT").write_text("b2\n")
    told = runner.invoke(app, ["check", "invariants"])
    assert told.exit_code == 1 and "b2 has no readable manifest" in told.stdout


def test_without_a_ledger_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "elsewhere"))
    told = runner.invoke(app, ["check", "invariants"])
    assert told.exit_code == 1 and "amends setup" in told.output
    assert not (tmp_path / "elsewhere" / "ledger.db").exists()


def test_rows_that_are_not_accounted_for_are_found(home: Settings) -> None:
    with sqlite3.connect(home.intake_db) as registry:
        registry.execute("UPDATE deliveries SET quarantined = 0")
    assert red() == {"I7"}


def test_a_landed_file_that_lost_rows_is_found(home: Settings) -> None:
    (path,) = home.landing.glob("*/*.parquet")
    pq.write_table(pa.table({"a": [1]}), path)
    assert red() == {"I7"}


@pytest.mark.parametrize("damage", ["changed", "gone", "manifest", "pointer"])
def test_a_model_that_is_not_what_was_promoted_is_found(home: Settings, damage: str) -> None:
    folder = home.model_store / "topics" / "t1"
    match damage:
        case "changed":
            (folder / "model.json").write_bytes(b'{"other": 1}')
        case "gone":
            (folder / "model.json").unlink()
        case "manifest":
            (folder / "manifest.json").write_bytes(b"{}")
        case _:
            (folder.parent / "ACTIVE.json").write_text("{}")
    assert red() == {"I9"}


@pytest.mark.parametrize("damage", ["gone", "changed", "pointer"])
def test_a_build_that_is_not_what_was_published_is_found(home: Settings, damage: str) -> None:
    table = home.published / "b1" / "fct_case.parquet"
    match damage:
        case "gone":
            table.unlink()
        case "changed":
            content = bytearray(table.read_bytes())
            content[8] ^= 1
            table.write_bytes(content)
        case _:
            (home.published / "CURRENT").write_text("b9\n")
    assert red() == {"I10"}


def test_nothing_published_yet_is_no_problem(home: Settings) -> None:
    (home.published / "CURRENT").unlink()
    assert red() == set()


@pytest.mark.parametrize(
    "name", ["landing/crm__customer/.x.parquet.tmp", "published/b2.tmp/a.parquet", "state/mark.tmp"]
)
def test_a_temporary_file_is_found(home: Settings, name: str) -> None:
    (home.home / name).parent.mkdir(parents=True, exist_ok=True)
    (home.home / name).write_text("half")
    assert red() == {"I13"}


def test_what_tools_keep_aside_in_their_own_stores_is_theirs(home: Settings) -> None:
    for name in ("mlflow/a.tmp", "dagster/b.tmp", "inbox/crm/c.csv.part"):
        (home.home / name).parent.mkdir(parents=True, exist_ok=True)
        (home.home / name).write_text("theirs")
    assert red() == set()


def test_a_held_lock_is_found(home: Settings) -> None:
    with (home.home / "intake.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert red() == {"I13"}
    assert red() == set()


def test_a_delivery_that_never_ended_is_found(home: Settings) -> None:
    registry = Registry(home.intake_db)
    registry.begin("cd" * 32, "crm", "customer", "b.csv")
    registry.close()
    assert red() == {"I13"}


@pytest.mark.parametrize(("status", "is_old", "found"), [("STARTED", True, {"I13"}), ("STARTED", False, set()),
                                                         ("SUCCESS", True, set())])  # fmt: skip
def test_a_run_that_never_ended_is_found(home: Settings, status: str, is_old: bool, found: set[str]) -> None:
    folder = home.dagster_home / "history"
    folder.mkdir(parents=True)
    began = 0.0 if is_old else datetime.now(UTC).timestamp()
    with sqlite3.connect(folder / "runs.db") as runs:
        runs.execute("CREATE TABLE runs (run_id TEXT, status TEXT, start_time FLOAT)")
        runs.execute("INSERT INTO runs VALUES ('r1', ?, ?)", (status, began))
    assert red() == found


def test_a_query_that_shows_too_much_is_found(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had forgotten the scope: everybody sees everything, also whom HR does not know."""
    from django.db.models import Q

    from cases import scope

    monkeypatch.setattr(scope, "scope_of", lambda found: Q())
    assert red() == {"I12"}
