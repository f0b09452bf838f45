"""Helpers shared by tests of every room. Fixtures that need a store belong in the conftest beside their tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_data(*parts: str) -> Path:
    """Path of a real data file kept beside the checkout; skips the test with a message when it is not there."""
    path = ROOT.parent / "shared" / "data" / Path(*parts)
    if not path.exists():
        pytest.skip(f"real data not at hand: shared/data/{'/'.join(parts)}")
    return path
