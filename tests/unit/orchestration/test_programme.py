"""Every stage of the loop works by the programme in force; what lies in the folder counts once it is applied."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cases import services
from casework.programme import active_programme, apply_folder
from ml.conditions import SIGNAL_SCHEMA
from ml.outputs import TRIGGER
from models.settings import ROOT, Settings
from orchestration.ml_runs import run_detection

MONDAY = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
AS_OF = "2026-01-05 14:30:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "programme" / "bank", tmp_path / "bank"))


@pytest.fixture
def home(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with the programme in force and the evidence of four surveys, two of them two days old."""
    monkeypatch.delenv("AMENDS_LEDGER_URL", raising=False)
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_PROGRAMME", str(folder))
    monkeypatch.setenv("AMENDS_AS_OF", MONDAY.isoformat())
    settings = Settings()
    for part in (settings.handoff, settings.ml_outputs, settings.state):
        part.mkdir(parents=True)
    services.migrate(settings)
    active_programme(settings, MONDAY)
    surveys = [
        {"signal_id": f"s{score}-{days}", "signal_kind": "survey_response", "customer_id": f"C{score}",
         "score_metric": "csat", "score_normalised": score, "severity": 3, "occurred_at": MONDAY - timedelta(days=days)}
        for score in (0.0, 0.3) for days in (0, 2)
    ]  # fmt: skip
    themes = pa.schema([("theme_id", pa.string()), ("week_start", pa.timestamp("us", tz="UTC")),
                        ("region", pa.string()), ("signals", pa.int64())])  # fmt: skip
    pq.write_table(pa.Table.from_pylist(surveys, schema=SIGNAL_SCHEMA), settings.handoff / "fct_signal.parquet")
    pq.write_table(themes.empty_table(), settings.handoff / "agg_theme_week.parquet")
    return settings


def widen(folder: Path) -> None:
    path = folder / "triggers" / "low_csat.yml"
    text = path.read_text(encoding="utf-8")
    wider = text.replace("op: lte, value: 0.25}", "op: lte, value: 0.3}")
    assert wider != text
    path.write_text(wider, encoding="utf-8")


def found(settings: Settings) -> dict[str, bool]:
    """Signal -> whether its trigger is history, of the next detection."""
    run_detection(settings, as_of=AS_OF, run_id="r1")
    rows = pq.read_table(settings.ml_outputs / "ml_detection__trigger.parquet").select(TRIGGER.names).to_pylist()
    return {row["signal_id"]: row["is_historic"] for row in rows}


def test_a_broken_folder_stops_no_detection(home: Settings, folder: Path) -> None:
    before = found(home)
    (folder / "triggers" / "low_csat.yml").write_text("id: [", encoding="utf-8")
    assert found(home) == before == {"s0.0-0": False, "s0.0-2": False}


@pytest.mark.usefixtures("parsed_project")
def test_an_edit_counts_once_it_is_applied_and_not_for_what_came_before(home: Settings, folder: Path) -> None:
    from orchestration.defs.listen import detect_fingerprint
    from orchestration.defs.resources import Stores

    fingerprint = detect_fingerprint(Stores())
    widen(folder)
    assert set(found(home)) == {"s0.0-0", "s0.0-2"}
    assert detect_fingerprint(Stores()) == fingerprint
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    assert detect_fingerprint(Stores()) != fingerprint
    after = found(home)
    assert (after["s0.3-0"], after["s0.3-2"]) == (False, True)


def test_what_fitted_the_rule_at_its_own_time_is_no_history_after_an_edit(home: Settings, folder: Path) -> None:
    """A signal that came in before the edit and was not detected yet would otherwise be lost to it."""
    widen(folder)
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    assert found(home)["s0.0-2"] is False


def test_a_version_that_left_the_rule_alone_in_between_loses_nothing_either(home: Settings, folder: Path) -> None:
    teams = folder / "teams.yml"
    teams.write_text(
        teams.read_text(encoding="utf-8").replace("ageing_hours: 72", "ageing_hours: 48"), encoding="utf-8"
    )
    apply_folder(home, folder, effective_from=MONDAY - timedelta(days=1), by="anna")
    widen(folder)
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    assert found(home)["s0.0-2"] is False


def test_a_rule_that_was_a_draft_at_the_time_found_nothing_then(home: Settings, folder: Path) -> None:
    path = folder / "triggers" / "low_csat.yml"
    live = path.read_text(encoding="utf-8")
    path.write_text(live.replace("status: live", "status: draft"), encoding="utf-8")
    apply_folder(home, folder, effective_from=MONDAY - timedelta(days=5), by="anna")
    assert found(home) == {}
    path.write_text(live, encoding="utf-8")
    apply_folder(home, folder, effective_from=MONDAY, by="anna")
    assert found(home) == {"s0.0-0": False, "s0.0-2": True}


@pytest.mark.usefixtures("parsed_project")
@pytest.mark.parametrize("name", ["programme.yml", "sla.yml", "taxonomy.yml"])
def test_a_broken_folder_stops_no_delivery_from_being_taken_in(home: Settings, folder: Path, name: str) -> None:
    import dagster as dg

    from intake.landing import ensure_landing
    from orchestration.defs.listen import take_in
    from orchestration.defs.resources import Stores

    ensure_landing(home)
    (folder / name).write_text("x: [", encoding="utf-8")
    done = dg.materialize([take_in], resources={"stores": Stores()}, raise_on_error=True)
    assert done.success
    targets = pq.read_table(home.programme_tables / "sla_target.parquet")
    assert targets.num_rows > 0
