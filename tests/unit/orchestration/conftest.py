"""Loading a module of the graph needs dbt's manifest, which a fresh checkout does not have yet."""

from __future__ import annotations

import pytest

from amends.manifest import parse_if_stale
from models.settings import Settings


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The dbt project, parsed when a file of it is newer than the manifest."""
    parse_if_stale(Settings(home=tmp_path_factory.mktemp("manifest")))
