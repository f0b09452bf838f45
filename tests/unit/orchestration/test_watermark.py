"""A stage that finished is remembered; anything it depends on changes its fingerprint."""

from __future__ import annotations

from ml.store import ModelStore
from models.settings import Settings
from orchestration import watermark
from orchestration.ml_runs import models_in_use


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


def test_a_new_model_of_texts_is_news_to_detection_and_a_new_model_of_risks_is_not(settings: Settings) -> None:
    store = ModelStore(settings.model_store)
    before = models_in_use(settings)
    store.save("risk-churn", "m1", {"model.json": b"{}"})
    store.promote("risk-churn", "m1")
    assert models_in_use(settings) == before
    store.save("root-cause", "m1", {"model.json": b"{}"})
    store.promote("root-cause", "m1")
    assert models_in_use(settings) != before
