"""Which lanes are late: the newest week that says something, each lane against its own target."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from models.settings import Settings
from publishing.latency import newest_paces

Week = tuple[str, str, str, int, int, int, float | None]


def warehouse_of(path: Path, weeks: list[Week]) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table agg_latency_week (week_start date, lane varchar, source varchar, cases bigint, excluded bigint,"
            " missing bigint, platform_p95_seconds double)"
        )
        if weeks:
            connection.executemany("insert into agg_latency_week values (?, ?, ?, ?, ?, ?, ?)", weeks)


def late(tmp_path: Path, weeks: list[Week]) -> dict[tuple[str, str], bool]:
    warehouse_of(tmp_path / "w.duckdb", weeks)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        return {(p.lane, p.source): p.is_late for p in newest_paces(connection, Settings(home=tmp_path))}


def test_each_lane_is_held_against_its_own_target(tmp_path: Path) -> None:
    weeks: list[Week] = [
        ("2026-03-02", "fast", "reviews", 4, 0, 0, 60.5),
        ("2026-03-02", "batch", "reviews", 4, 0, 0, 60.5),
        ("2026-03-02", "fast", "feedback", 4, 0, 0, 60.0),
    ]
    assert late(tmp_path, weeks) == {
        ("fast", "reviews"): True, ("batch", "reviews"): False, ("fast", "feedback"): False,
    }  # fmt: skip


def test_the_newest_week_counts_unless_nothing_in_it_could_be_timed(tmp_path: Path) -> None:
    weeks: list[Week] = [
        ("2026-02-23", "fast", "reviews", 9, 0, 0, 900.0),
        ("2026-03-02", "fast", "reviews", 4, 1, 0, 2.0),
        ("2026-03-09", "fast", "reviews", 2, 1, 1, None),
    ]
    assert late(tmp_path, weeks) == {("fast", "reviews"): False}


@pytest.mark.usefixtures("parsed_project")
@pytest.mark.parametrize(("p95", "passed"), [(2.0, True), (75.0, False)])
def test_the_check_warns_of_a_late_lane_and_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, p95: float, passed: bool
) -> None:
    from orchestration.defs.latency import case_within_target
    from orchestration.defs.resources import Stores

    monkeypatch.setenv("AMENDS_HOME", str(tmp_path))
    home = Settings(home=tmp_path)
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    warehouse_of(home.warehouse, [("2026-03-02", "fast", "reviews", 4, 0, 0, p95)])
    result = case_within_target(stores=Stores())
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert result.metadata["judged"].value == 1


@pytest.mark.usefixtures("parsed_project")
def test_the_register_is_copied_before_the_tables_that_read_it() -> None:
    from orchestration.definitions import defs
    from orchestration.loop import STAGE_OF_STEP

    job = defs().resolve_job_def("track_and_publish")
    graph = defs().resolve_asset_graph()
    assert dg.AssetKey(["raw_intake__delivery"]) in graph.get(dg.AssetKey(["stg_intake__delivery"])).parent_keys
    assert {node.name for node in job.nodes} <= set(STAGE_OF_STEP)
