"""What every test stands on: telemetry off, and an `AMENDS_HOME` of its own unless a test asks for more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.settings import Settings, process_environment

# Before any tool is imported by a test module.
os.environ.update({k: v for k, v in process_environment(Settings()).items() if not k.startswith("AMENDS_")})
os.environ.pop("DAGSTER_HOME", None)
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose every store lies in this test's own folder."""
    return Settings(home=tmp_path / "home")
