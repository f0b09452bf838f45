"""The nightly backtest runs where something would come out differently, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases import services
from models.settings import Settings


@pytest.fixture
def home(tmp_path: Path, parsed_project: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A ledger, and nothing else yet."""
    monkeypatch.setenv("AMENDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AMENDS_AS_OF", "2026-03-01T00:00:00+00:00")
    settings = Settings()
    services.migrate(settings)
    return settings


def test_a_night_without_evidence_or_without_a_change_is_skipped(home: Settings) -> None:
    import dagster as dg

    from orchestration import watermark
    from orchestration.defs.backtest import STAGE, nightly_backtest
    from orchestration.defs.listen import detect_fingerprint
    from orchestration.defs.resources import Stores

    def tonight() -> dg.RunRequest | dg.SkipReason:
        return nightly_backtest(dg.build_schedule_context(resources={"stores": Stores()}))  # type: ignore[no-any-return]

    assert isinstance(tonight(), dg.SkipReason)
    home.handoff.mkdir(exist_ok=True)
    (home.handoff / "fct_signal.parquet").touch()
    assert isinstance(tonight(), dg.RunRequest)
    watermark.write(home, STAGE, detect_fingerprint(Stores()))
    assert isinstance(tonight(), dg.SkipReason)
