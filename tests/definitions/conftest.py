"""The code location, loaded once; its dbt manifest is parsed first when a file of the project is newer."""

from __future__ import annotations

import dagster as dg
import pytest

from amends.manifest import parse_if_stale
from models.settings import Settings


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    parse_if_stale(Settings(home=tmp_path_factory.mktemp("manifest")))
    from orchestration.definitions import defs

    return defs()
