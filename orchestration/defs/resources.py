"""Resources: where the stores are and how dbt is called. Bound here once; assets ask for them by name."""

import sys
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from models.settings import ROOT, Settings, load_settings
from orchestration.warehouse import PROJECT


class Stores(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Locations of every store of this installation."""

    def settings(self) -> Settings:
        """The settings of the process that runs the step."""
        return load_settings()


class LocalDbt(DbtCliResource):
    """dbt as installed. Stock `DbtCliResource` asks `dbt --version`, which looks up the newest release on the internet."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


@dg.definitions
def resources() -> dg.Definitions:
    """The two resources of the graph."""
    return dg.Definitions(
        resources={
            "stores": Stores(),
            "dbt": LocalDbt(
                project_dir=PROJECT,
                profiles_dir=str(ROOT / "dbt_project"),
                dbt_executable=str(Path(sys.executable).with_name("dbt")),
            ),
        }
    )
