"""One parsed project for all warehouse tests; every test begins with stores that have heard nothing."""

from __future__ import annotations

import pytest

from tests.integration.warehouse.stores import Stores


@pytest.fixture(scope="session")
def parsed_stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Stores at one place for the session, because the parsed project holds their paths."""
    return Stores(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture
def stores(parsed_stores: Stores) -> Stores:
    """Empty stores and no warehouse."""
    parsed_stores.clear()
    return parsed_stores
