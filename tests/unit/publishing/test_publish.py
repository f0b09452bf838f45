"""What a publication must and must not do to the current build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publishing import files
from publishing import publish as publishing_publish
from publishing.gate import ChecksNotGreen, CheckStatus
from publishing.hashes import hashes
from publishing.publish import BuildExists, PublishReport, publish
from publishing.read import DamagedBuild, NothingPublished, builds, connect, current
from publishing.retention import prune
from tests.support import ROOT

AS_OF = datetime(2024, 5, 6, tzinfo=UTC)
GREEN = (CheckStatus("fct_case", "not_null_case_id", passed=True),)


def fill(warehouse: Path, *, cases: int = 3, run: str = "run-1", customers: int = 2) -> None:
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE TABLE fct_case AS SELECT 'C-' || i AS case_id, i / 3.0 AS value_usd, "
                           "TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_days(i::INTEGER) AS opened_at, "
                           f"'{run}' AS dagster_run_id FROM range({cases}) t(i)")  # fmt: skip
        connection.execute("CREATE SCHEMA marts")
        connection.execute(f"CREATE TABLE marts.dim_customer AS SELECT i AS customer_id FROM range({customers}) t(i)")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    fill(tmp_path / "warehouse.duckdb")
    return tmp_path


def run(home: Path, build_id: str = "b1", **changes: Any) -> PublishReport:
    arguments: dict[str, Any] = {"as_of": AS_OF, "checks": GREEN, "provenance": {"dagster_run_id": "r"}, **changes}
    tables = arguments.pop("tables", ["fct_case", "dim_customer"])
    return publish(home / "warehouse.duckdb", home / "published", tables, build_id=build_id, **arguments)


def test_a_first_publication_is_readable_and_counted(home: Path) -> None:
    report = run(home)
    build = current(home / "published")
    assert (report.changed, build.build_id, build.sequence, build.as_of) == (True, "b1", 1, AS_OF)
    assert {mart.name: mart.rows for mart in build.marts} == {"fct_case": 3, "dim_customer": 2}
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (3,)
    assert not list((home / "published").glob("*.tmp"))


def test_nothing_published_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingPublished):
        current(tmp_path / "published")
    assert builds(tmp_path / "published") == []
    assert prune(tmp_path / "published") == []


def test_a_red_blocking_check_refuses_and_current_stays(home: Path) -> None:
    run(home)
    fill(home / "warehouse.duckdb", cases=9)
    red = (*GREEN, CheckStatus("raw_crm__customer", "complete", passed=False))
    with pytest.raises(ChecksNotGreen, match="raw_crm__customer:complete") as refusal:
        run(home, "b2", checks=red)
    assert refusal.value.failed == ("raw_crm__customer:complete",)
    assert current(home / "published").build_id == "b1"
    assert [build.build_id for build in builds(home / "published")] == ["b1"]


def test_a_build_without_any_reported_check_is_refused(home: Path) -> None:
    with pytest.raises(ChecksNotGreen, match="no check"):
        run(home, checks=())


def test_a_failed_warning_is_recorded_and_stops_nothing(home: Path) -> None:
    run(home, checks=(*GREEN, CheckStatus("raw_a__b", "volume", passed=False, blocking=False)))
    manifest = (current(home / "published").path / "manifest.json").read_text()
    assert '"warnings": [\n   "raw_a__b:volume"\n  ]' in manifest


def test_publishing_the_same_content_again_is_a_no_op_and_says_so(home: Path) -> None:
    run(home)
    fill(home / "warehouse.duckdb", run="run-2")
    report = run(home, "b2")
    assert (report.changed, report.build_id) == (False, "b1")
    assert "nothing new" in report.message
    assert [path.name for path in (home / "published").iterdir() if not path.name.startswith(".")].count("b2") == 0


def test_only_the_mart_that_changed_is_named(home: Path) -> None:
    run(home)
    fill(home / "warehouse.duckdb", customers=5)
    assert run(home, "b2").differing == ("dim_customer",)


def test_equal_rows_in_another_order_give_equal_bytes(home: Path) -> None:
    first = {mart.name: mart.sha256 for mart in run(home).marts}
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM fct_case ORDER BY case_id DESC")
        connection.execute("DROP TABLE fct_case; ALTER TABLE t RENAME TO fct_case")
    again = publish(home / "warehouse.duckdb", home / "elsewhere", ["fct_case", "marts.dim_customer"], build_id="b1",
                    as_of=AS_OF, checks=GREEN, provenance={}, keys={"fct_case": ["opened_at"]})  # fmt: skip
    assert {mart.name: mart.sha256 for mart in again.marts} == first


def test_a_reader_of_the_old_build_keeps_reading_it(home: Path) -> None:
    run(home)
    with connect(home / "published") as reader:
        fill(home / "warehouse.duckdb", cases=50)
        run(home, "b2")
        assert reader.execute("SELECT count(*) FROM fct_case").fetchone() == (3,)
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (50,)


@pytest.mark.parametrize("step", ["_stage", "_write_manifest", "_place", "_verify", "switch"])
def test_stopped_before_any_step_the_old_build_is_current_and_a_re_run_heals(
    home: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(home)
    fill(home / "warehouse.duckdb", cases=7)
    with monkeypatch.context() as patch:

        def dies(*_: object) -> None:
            raise KeyboardInterrupt(step)

        patch.setattr(publishing_publish, step, dies)
        with pytest.raises(KeyboardInterrupt):
            run(home, "b2")
    assert current(home / "published").build_id == "b1"
    assert hashes(home / "published") == hashes(home / "published", recompute=True)
    assert run(home, "b2").changed
    assert current(home / "published").build_id == "b2"
    assert not list((home / "published").glob("*.tmp"))


def killed(home: Path, build_id: str, preamble: str = "", at: str = "") -> None:
    """Publish in a process of its own that dies by SIGKILL on the way."""
    script = f"""
import sys
from pathlib import Path
from tests.unit.publishing.test_publish import run
{preamble}
run(Path(sys.argv[1]), {build_id!r})
"""
    environment = {**os.environ, "AMENDS_CRASH_AT": at}
    done = subprocess.run([sys.executable, "-c", script, str(home)], check=False, capture_output=True, cwd=ROOT,
                          env=environment)  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("point", publishing_publish.CRASH_POINTS)
def test_killed_at_any_crash_point_a_whole_build_is_current_and_a_re_run_heals(home: Path, point: str) -> None:
    run(home)
    fill(home / "warehouse.duckdb", cases=7)
    killed(home, "b2", at=point)
    assert current(home / "published").build_id == ("b2" if point == "publish.after_switch" else "b1")
    assert hashes(home / "published") == hashes(home / "published", recompute=True)
    assert run(home, "b2").build_id == "b2"
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (7,)
    assert not [path for path in (home / "published").iterdir() if path.name.endswith((".tmp", ".new"))]


def test_killed_with_the_new_pointer_written_but_not_renamed_the_old_build_stays(home: Path) -> None:
    run(home)
    fill(home / "warehouse.duckdb", cases=7)
    killed(home, "b2", "import os, signal; os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)")
    assert current(home / "published").build_id == "b1"
    assert run(home, "b2").changed


def test_a_published_build_is_never_rewritten(home: Path) -> None:
    run(home)
    fill(home / "warehouse.duckdb", cases=7)
    run(home, "b2")
    fill(home / "warehouse.duckdb", cases=8)
    for taken in ("b1", "b2"):
        with pytest.raises(BuildExists):
            run(home, taken)
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (7,)


def test_a_damaged_current_build_is_replaced_although_the_content_is_the_same(home: Path) -> None:
    run(home)
    (home / "published" / "b1" / "fct_case.parquet").unlink()
    with pytest.raises(DamagedBuild, match="fct_case"):
        connect(home / "published")
    assert run(home, "b2").changed
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (3,)


def test_two_publishers_do_not_mix(home: Path) -> None:
    (home / "published").mkdir()
    with files.exclusive(home / "published"), pytest.raises(files.PublishBusy):
        run(home)


@pytest.mark.parametrize("build_id", ["../b", "CURRENT", "a/b", ".hidden", "b.tmp", "", "x" * 81])
def test_a_build_id_that_is_no_folder_name_is_refused(home: Path, build_id: str) -> None:
    with pytest.raises(ValueError, match="build id"):
        run(home, build_id)


@pytest.mark.parametrize("table", ["fct_case; DROP TABLE x", "../x", "no_such_table", 'a"b'])
def test_a_table_that_is_not_one_is_refused_and_leaves_nothing(home: Path, table: str) -> None:
    with pytest.raises(ValueError, match=r"mart name|schemas"):
        run(home, tables=[table])
    assert builds(home / "published") == []


def test_a_naive_as_of_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        run(home, as_of=datetime(2024, 1, 1))


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_retention_keeps_the_newest_and_never_removes_the_current_build(home: Path, keep: int) -> None:
    for number in range(4):
        fill(home / "warehouse.duckdb", cases=number + 1)
        run(home, f"b{number}")
    publishing_publish.switch(home / "published", "b0")
    prune(home / "published", keep=keep)
    left = {build.build_id for build in builds(home / "published")}
    assert "b0" in left
    assert left - {"b0"} == {f"b{number}" for number in range(1, 4)} & {f"b{n}" for n in range(4 - keep, 4)}
    assert connect(home / "published").execute("SELECT count(*) FROM fct_case").fetchone() == (1,)


def test_retention_sweeps_what_a_killed_publication_left(home: Path) -> None:
    run(home)
    (home / "published" / "b9.tmp").mkdir()
    assert prune(home / "published") == []
    assert not (home / "published" / "b9.tmp").exists()
    with pytest.raises(ValueError, match="keep"):
        prune(home / "published", keep=0)


@pytest.mark.parametrize(
    "attack",
    [
        "COPY (SELECT 1 AS a) TO '{mart}' (FORMAT parquet, USE_TMP_FILE false)",
        "COPY (SELECT 1 AS a) TO '{folder}/new.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('{mart}')",
        "ATTACH '{folder}/new.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT * FROM secret",
        "INSERT INTO fct_case SELECT * FROM fct_case",
    ],
)
def test_sql_on_a_published_connection_reaches_no_file(home: Path, attack: str) -> None:
    run(home)
    secret = [1]
    mart = home / "published" / "b1" / "fct_case.parquet"
    before = mart.read_bytes()
    with connect(home / "published") as reader, pytest.raises(duckdb.Error):
        reader.execute(attack.format(mart=mart, folder=home))
    assert (secret, mart.read_bytes()) == ([1], before)
    assert not list(home.glob("new.*"))
