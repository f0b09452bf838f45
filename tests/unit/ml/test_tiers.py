"""Exact while it is affordable, a student beyond, never both in one index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.store import ModelStore, dump_json
from ml.text.calibration import KIND as CALIBRATION
from ml.text.calibration import Calibration, Machine, Trial
from ml.text.embed import DIMENSIONS, MINILM, Embedder, EmbeddingCache, text_key
from ml.text.student import KIND, TooFewTexts
from ml.text.tiers import embedder_for
from tests.unit.ml.conftest import CountingEncoder
from tests.unit.ml.test_student import made_texts

CHARACTERS_PER_SECOND = 1_000.0
# Something above 30 characters each: 1,000 take about half a minute at that speed.
TEXTS = made_texts() + [f"the {thing} of my contract" for thing in ("price", "end", "start")]
ENOUGH, TOO_LITTLE = 600.0, 10.0


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store in which this machine was calibrated: bf16, slow."""
    record = Calibration(
        machine=Machine.here(),
        trials=(Trial("bf16", 10, 10, CHARACTERS_PER_SECOND, 0.9999, 0.9999, 0.9999),),
        chosen="bf16",
        reason="3.0 times as fast",
        sample_texts=100,
    )
    store = ModelStore(tmp_path / "models")
    store.save(CALIBRATION, record.model_id, {"calibration.json": dump_json(record.as_json())})
    store.promote(CALIBRATION, record.model_id)
    return store


def embed(embedder: Embedder, folder: Path, texts: list[str]) -> np.ndarray:
    return embedder.embed(texts, EmbeddingCache(folder, embedder.model_id))


def test_what_the_budget_affords_is_exact_in_the_calibrated_format(
    store: ModelStore, tmp_path: Path, encoder: CountingEncoder
) -> None:
    found = embedder_for(store, tmp_path, TEXTS, budget_seconds=ENOUGH, encode=encoder)
    assert found.model_id == f"{MINILM}-bf16"
    assert "new texts take about" in found.reason and "3.0 times as fast" in found.reason
    assert encoder.seen == []


def test_a_load_beyond_the_budget_gets_a_student_with_its_fidelity_told(
    store: ModelStore, tmp_path: Path, encoder: CountingEncoder
) -> None:
    found = embedder_for(store, tmp_path, TEXTS, budget_seconds=TOO_LITTLE, encode=encoder)
    assert found.model_id.startswith("static-")
    assert found.space == found.model_id
    assert "more than 10 s" in found.reason and "cosine to" in found.reason
    assert len(encoder.seen) == 1_000
    assert embed(found, tmp_path, TEXTS).shape == (len(TEXTS), DIMENSIONS)
    assert len(encoder.seen) == 1_000


def test_a_student_stays_in_use_and_is_not_fitted_again(
    store: ModelStore, tmp_path: Path, encoder: CountingEncoder
) -> None:
    first = embedder_for(store, tmp_path, TEXTS, budget_seconds=TOO_LITTLE, encode=encoder)
    encoder.seen.clear()
    second = embedder_for(store, tmp_path, TEXTS[:5], budget_seconds=ENOUGH, encode=encoder)
    assert second.model_id == first.model_id
    assert "a student is in use" in second.reason
    assert encoder.seen == []


def test_exact_on_request_comes_back_from_a_student(
    store: ModelStore, tmp_path: Path, encoder: CountingEncoder
) -> None:
    embedder_for(store, tmp_path, TEXTS, tier="static", encode=encoder)
    back = embedder_for(store, tmp_path, TEXTS, tier="exact", budget_seconds=TOO_LITTLE, encode=encoder)
    assert back.model_id == f"{MINILM}-bf16"


def test_what_the_cache_holds_costs_no_budget(store: ModelStore, tmp_path: Path, encoder: CountingEncoder) -> None:
    embed(embedder_for(store, tmp_path, TEXTS, tier="exact", encode=encoder), tmp_path, TEXTS)
    found = embedder_for(store, tmp_path, [*TEXTS, "one more"], budget_seconds=1.0, encode=encoder)
    assert found.model_id == f"{MINILM}-bf16"
    assert found.reason.startswith("1 new texts")


def test_tiers_have_caches_of_their_own(store: ModelStore, tmp_path: Path, encoder: CountingEncoder) -> None:
    exact = embedder_for(store, tmp_path, TEXTS, tier="exact", encode=encoder)
    static = embedder_for(store, tmp_path, TEXTS, tier="static", encode=encoder)
    embed(exact, tmp_path, ["my unmet wording"])
    assert not EmbeddingCache(tmp_path, static.model_id).contains([text_key("my unmet wording")]).any()
    assert not np.array_equal(
        embed(static, tmp_path, ["my unmet wording"]), embed(exact, tmp_path, ["my unmet wording"])
    )


def test_one_hundredth_new_is_all_that_is_computed(store: ModelStore, tmp_path: Path, encoder: CountingEncoder) -> None:
    exact = embedder_for(store, tmp_path, TEXTS, tier="exact", encode=encoder)
    embed(exact, tmp_path, TEXTS)
    encoder.seen.clear()
    new = [f"brand new complaint {number}" for number in range(10)]
    embed(embedder_for(store, tmp_path, [*TEXTS, *new], tier="exact", encode=encoder), tmp_path, [*TEXTS, *new])
    assert sorted(encoder.seen) == sorted(new)


def test_too_few_texts_refuse_a_student_on_request_and_stay_exact_by_themselves(
    store: ModelStore, tmp_path: Path, encoder: CountingEncoder
) -> None:
    few = TEXTS[:900]
    with pytest.raises(TooFewTexts):
        embedder_for(store, tmp_path, few, tier="static", encode=encoder)
    found = embedder_for(store, tmp_path, few, budget_seconds=TOO_LITTLE, encode=encoder)
    assert found.model_id == f"{MINILM}-bf16"
    assert "900 texts are too few for a student" in found.reason


def test_a_refit_replaces_the_student(store: ModelStore, tmp_path: Path, encoder: CountingEncoder) -> None:
    first = embedder_for(store, tmp_path, TEXTS, tier="static", encode=encoder)
    other = [*TEXTS, *(f"the modem hums {word}" for word in ("loudly", "softly", "oddly"))] * 2
    second = embedder_for(store, tmp_path, other, tier="static", refit_student=True, encode=encoder)
    assert second.model_id != first.model_id
    assert embedder_for(store, tmp_path, TEXTS, encode=encoder).model_id == second.model_id


def test_a_damaged_student_is_fitted_anew(store: ModelStore, tmp_path: Path, encoder: CountingEncoder) -> None:
    first = embedder_for(store, tmp_path, TEXTS, tier="static", encode=encoder)
    (tmp_path / "models" / KIND / first.model_id / "words.npy").write_bytes(b"torn")
    again = embedder_for(store, tmp_path, TEXTS, tier="static", encode=encoder)
    assert again.model_id == first.model_id
    assert np.array_equal(again.encode(TEXTS[:9]), first.encode(TEXTS[:9]))


def test_a_few_texts_on_a_fresh_machine_are_single_precision_and_load_nothing(tmp_path: Path) -> None:
    found = embedder_for(ModelStore(tmp_path / "fresh"), tmp_path, TEXTS[:20])
    assert found.model_id == MINILM
    assert "too little new text" in found.reason


def test_real_texts_calibrate_a_fresh_machine_once_and_leave_a_record(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "fresh")
    first = embedder_for(store, tmp_path, TEXTS[:70])
    record = store.active(CALIBRATION)
    assert record is not None
    trials = {trial["backend"]: trial for trial in record.json("calibration.json")["trials"]}
    assert {"fp32", "bf16"} <= set(trials)
    assert trials["bf16"]["cosine_min"] > 0.999
    assert embedder_for(store, tmp_path, TEXTS[70:140]).model_id == first.model_id
    again = store.active(CALIBRATION)
    assert again is not None and again.model_id == record.model_id
