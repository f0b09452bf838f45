"""The graph is a contract: what people see in the UI changes only by a visible difference here."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
from syrupy.assertion import SnapshotAssertion

from tests.support import ROOT

STAGES = {"listen", "classify", "detect", "route", "respond", "track", "prevent", "report"}


def test_keys_groups_jobs_sensors_and_schedules_are_as_agreed(
    definitions: dg.Definitions, snapshot: SnapshotAssertion
) -> None:
    groups: dict[str, list[str]] = {}
    for spec in definitions.resolve_all_asset_specs():
        groups.setdefault(str(spec.group_name), []).append(spec.key.to_user_string())
    repository = definitions.get_repository_def()
    assert {
        "groups": {name: sorted(keys) for name, keys in sorted(groups.items())},
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
    } == snapshot


def test_every_asset_belongs_to_a_stage_of_the_loop_and_to_somebody(definitions: dg.Definitions) -> None:
    lacking = []
    for spec in definitions.resolve_all_asset_specs():
        lacking += [f"{spec.key.to_user_string()}: group {spec.group_name}"] if spec.group_name not in STAGES else []
        lacking += [f"{spec.key.to_user_string()}: no description"] if not spec.description else []
        lacking += [f"{spec.key.to_user_string()}: no owner"] if not spec.owners else []
        lacking += [f"{spec.key.to_user_string()}: no kind"] if not spec.kinds else []
    assert lacking == []


def test_the_jobs_of_the_loop_and_the_nightly_backtest_make_every_asset(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    made = set()
    for name in ("detect_breakdowns", "work_cases", "track_and_publish", "backtest_rules"):
        made |= set(definitions.resolve_job_def(name).asset_layer.selected_asset_keys)
    assert set(graph.materializable_asset_keys) - made == set()


def test_loading_the_code_location_imports_nothing_heavy(definitions: dg.Definitions) -> None:
    program = (
        "import sys; from orchestration.definitions import defs; defs().get_repository_def(); "
        "heavy = {'bertopic', 'sentence_transformers', 'torch', 'great_expectations', 'mlflow', 'umap', 'sklearn'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr[-2000:]
