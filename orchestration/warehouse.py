"""How Dagster sees the dbt project: the prebuilt manifest, the translation of nodes, and one way to build a slice.

No model names in here: what belongs to which slice is said by dbt tags, everything else by `meta.dagster`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject

from models.settings import ROOT, Settings
from publishing.stages import row_counts

PROJECT_DIR = ROOT / "dbt_project"
# Parsed at set-up (`make manifest`), never on load: dagster-dbt's own `prepare_if_dev` parses in every step process.
PROJECT = DbtProject(project_dir=PROJECT_DIR, profiles_dir=PROJECT_DIR)


@cache
def manifest() -> Mapping[str, Any]:
    """The parsed dbt manifest. Raises FileNotFoundError saying how to make one when it is missing."""
    path = PROJECT.manifest_path
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name} is missing: run `make manifest` (or `amends doctor` for what else is amiss)"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def code_version() -> str:
    """Short hash over every node's checksum: changes when any model, seed, test or macro changes."""
    nodes = sorted(
        (key, node["checksum"]["checksum"]) for key, node in manifest()["nodes"].items() if "checksum" in node
    )
    macros = sorted(
        (key, node["macro_sql"]) for key, node in manifest()["macros"].items() if key.startswith("macro.amends.")
    )
    return hashlib.sha256(json.dumps([nodes, macros]).encode()).hexdigest()[:12]


def published_tables() -> list[str]:
    """Names of the marts: what is published is what lies in the project's `marts` folder."""
    nodes = manifest()["nodes"].values()
    return sorted(n["name"] for n in nodes if n["resource_type"] == "model" and "marts" in n["fqn"])


class LoopTranslator(DagsterDbtTranslator):
    """Puts dbt nodes into the graph under their table name; groups, owners and kinds come from `meta.dagster`."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=False))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Asset name = table name; sources say theirs in `meta.dagster.asset_key`."""
        declared = dbt_resource_props.get("meta", {}).get("dagster", {}).get("asset_key")
        if declared is None:
            declared = (dbt_resource_props.get("config") or {}).get("meta", {}).get("dagster", {}).get("asset_key")
        return dg.AssetKey(declared or [dbt_resource_props["name"]])

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """A dbt test as a check that says in words what it holds against the table."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None or spec.description:
            return spec
        return spec._replace(description=test_in_words(manifest["nodes"][unique_id]))


def test_in_words(node: Mapping[str, Any]) -> str:
    """What a dbt test demands, from its generic test and arguments: `relation_type: accepted_values (a, b)`."""
    about = node.get("test_metadata")
    if about is None:
        return str(node["name"]).removeprefix("assert_").replace("_", " ")
    if about["name"] == "expression_is_true":
        return f"{str(node['name']).replace('_', ' ')}: {about['kwargs']['expression']}"
    demands = {k: v for k, v in about["kwargs"].items() if k not in ("model", "column_name")}
    subject = about["kwargs"].get("column_name", "rows")
    told = "; ".join(f"{name} {_plain(value)}" for name, value in sorted(demands.items()))
    return f"{subject}: {about['name'].replace('_', ' ')}{f' ({told})' if told else ''}"


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).strip("{} ")


def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: Settings, as_of: str) -> Iterator[Any]:
    """Run and test the selected models in one dbt call; unit tests stay in the test suite (they test code, not data).

    Check results are told as they come, tables when dbt is done: their row counts need the warehouse, which dbt holds
    until then. (dagster-dbt's own `fetch_row_counts` leaves a connection open in this process, and the next dbt call or
    the publisher meets its lock.)
    """
    _sweep_targets()
    # By environment and not by --vars: another value there makes dbt parse the whole project again (10 s against 5 s).
    os.environ["AMENDS_WAREHOUSE_AS_OF"] = as_of
    made: list[dg.Output[Any]] = []
    try:
        for event in dbt.cli(["build", "--exclude-resource-type", "unit_test"], context=context).stream():
            if isinstance(event, dg.Output):
                made.append(event)
            else:
                yield event
    finally:
        yield from _with_row_counts(context, settings, made)


def _with_row_counts(
    context: dg.AssetExecutionContext, settings: Settings, made: list[dg.Output[Any]]
) -> Iterator[dg.Output[Any]]:
    names = {output.output_name: context.asset_key_for_output(output.output_name).path[-1] for output in made}
    counts = row_counts(settings.warehouse, sorted(set(names.values())))
    for output in made:
        counted = counts.get(names[output.output_name])
        extra = {} if counted is None else {"dagster/row_count": counted}
        yield dg.Output(
            output.value,
            output_name=output.output_name,
            metadata={**output.metadata, **extra},
            data_version=output.data_version,
        )


def _sweep_targets(keep: int = 6) -> None:
    """Every dbt call leaves a folder `target/<op>-<run>-<id>`; keep the newest few for a look after a failure."""
    folders = [p for p in (PROJECT_DIR / "target").glob("*-*-*") if p.is_dir()]
    for old in sorted(folders, key=lambda p: p.stat().st_mtime)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def as_path(value: str | Path) -> dg.MetadataValue:
    """A path in metadata, drawn as such by the UI."""
    return dg.MetadataValue.path(str(value))
