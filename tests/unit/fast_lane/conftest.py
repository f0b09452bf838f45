"""A home with an empty snapshot, and the lane on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases import conf
from models.settings import Settings
from tests.lane_home import lane_home


def pytest_pycollect_makemodule() -> None:
    """Modules here import tables at their top, which needs Django set up; each fixture names the real ledger."""
    conf.setup(Settings(home=Path("/nowhere")))


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home whose batch lane has run once and found nothing."""
    return lane_home(tmp_path / "home")
