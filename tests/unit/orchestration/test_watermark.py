"""A stage that finished is remembered; anything it depends on changes its fingerprint."""

from __future__ import annotations

from models.settings import Settings
from orchestration import watermark


def test_a_stage_that_never_finished_has_no_watermark(settings: Settings) -> None:
    assert watermark.read(settings, "detect") is None


def test_a_finished_stage_is_remembered(settings: Settings) -> None:
    watermark.write(settings, "detect", "abc")
    assert watermark.read(settings, "detect") == "abc"


def test_the_fingerprint_depends_on_every_part(settings: Settings) -> None:
    whole = watermark.fingerprint(batch=1, as_of="2026-01-01")
    assert whole != watermark.fingerprint(batch=2, as_of="2026-01-01")
    assert whole != watermark.fingerprint(batch=1, as_of="2026-01-02")
    assert whole == watermark.fingerprint(as_of="2026-01-01", batch=1)
