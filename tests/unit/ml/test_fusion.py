"""Words, notes and codes together know more than each; a missing source is simply missing; a code never proves itself."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.root_cause.cause_model import load_cause_model
from ml.root_cause.classifier import KIND, ClassifierParams, Examples, LeakyLabel, Notes, Training, train
from ml.root_cause.examples import hide_own_codes
from ml.root_cause.failure import failure_type_shares
from ml.root_cause.fusion import Opinion, fit_codes, fit_pool
from ml.store import ModelStore
from ml.text.embed import text_key
from tests.unit.ml.conftest import CountingEncoder
from tests.unit.ml.test_classifier import NOISE, WORDS

PARAMS = ClassifierParams(min_texts=100)


def sentence(rng: random.Random, cause: str, clear: float) -> str:
    own = WORDS[cause] if rng.random() < clear else NOISE
    return " ".join(rng.choices(own, k=3) + rng.choices(NOISE, k=5))


def examples(count: int, *, seed: int = 0, code_right: float = 0.9) -> Examples:
    """Texts of which half say nothing; notes on two thirds and codes on half, both more telling."""
    rng = random.Random(seed)
    causes = [rng.choice(sorted(WORDS)) for _ in range(count)]
    texts = [sentence(rng, cause, 0.5) for cause in causes]
    notes = [sentence(rng, cause, 0.8) if rng.random() < 0.67 else None for cause in causes]
    codes = [
        f"C-{cause if rng.random() < code_right else rng.choice(sorted(WORDS))}" if rng.random() < 0.5 else None
        for cause in causes
    ]
    encode = CountingEncoder()
    return Examples(
        texts,
        encode(texts),
        causes,
        groups=[text_key(f"{place} {text}") for place, text in enumerate(texts)],
        occurred=[float(place) for place in range(count)],
        notes=Notes(texts=notes, vectors=encode([note or "" for note in notes])),
        codes=codes,
        own_code=[False] * count,
    )


@pytest.fixture(scope="module")
def trained() -> Training:
    result = train(examples(700), PARAMS)
    assert isinstance(result, Training)
    return result


def test_each_further_source_is_worth_something_and_its_worth_has_an_interval(trained: Training) -> None:
    for source in ("notes", "codes"):
        worth = trained.sources[source]
        assert worth["gain_low"] <= worth["gain"] <= worth["gain_high"]
        assert worth["accuracy_with"] > worth["accuracy_without"]
    assert trained.sources["notes"]["gain_low"] > 0
    assert trained.metrics()["codes_gain"] == trained.sources["codes"]["gain"]


def test_every_source_is_judged_alone_with_its_own_confusion(trained: Training) -> None:
    assert set(trained.by_source) == {"text", "notes", "codes"}
    assert trained.by_source["codes"].confusion.sum() == trained.by_source["codes"].metrics["texts"]
    assert trained.by_source["text"].metrics["accuracy"] < trained.random_split.metrics["accuracy"]


def test_signals_without_notes_and_codes_are_scored_by_their_words_alone(trained: Training) -> None:
    fresh = examples(40, seed=3)
    nothing = Notes(texts=[None] * 40, vectors=np.zeros((40, 384), dtype=np.float32))
    words = trained.model.probabilities(fresh.texts, fresh.vectors)
    silent = trained.model.probabilities(fresh.texts, fresh.vectors, notes=nothing, codes=[None] * 40)
    assert np.allclose(words, silent)
    unheard = trained.model.probabilities(fresh.texts, fresh.vectors, codes=["never seen"] * 40)
    assert np.allclose(words, unheard)


def test_a_saved_model_of_all_sources_scores_as_before(tmp_path: Path, trained: Training) -> None:
    store = ModelStore(tmp_path)
    store.save(KIND, trained.model.model_id, trained.model.files())
    loaded = load_cause_model(store.load(KIND, trained.model.model_id))
    fresh = examples(40, seed=3)
    both = [
        own.probabilities(fresh.texts, fresh.vectors, notes=fresh.notes, codes=fresh.codes)
        for own in (loaded, trained.model)
    ]
    assert np.array_equal(*both)
    assert loaded.thresholds == trained.model.thresholds


def test_a_code_cannot_be_a_feature_of_the_label_that_was_read_off_it() -> None:
    data = examples(20)
    with pytest.raises(LeakyLabel, match="own_code"):
        replace(data, own_code=None)
    with pytest.raises(LeakyLabel, match="hide_own_codes"):
        replace(data, own_code=[True] * 20)
    hidden = replace(data, own_code=[True] * 20, codes=hide_own_codes(data.codes or [], [True] * 20))
    assert hidden.codes == [None] * 20


def test_a_source_that_is_noise_gets_little_weight() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    telling = np.full((600, 3), 0.1)
    telling[np.arange(600), np.where(rng.random(600) < 0.8, target, rng.integers(0, 3, 600))] = 0.8
    everywhere = np.ones(600, dtype=bool)
    pool = fit_pool(
        {"text": Opinion(telling, everywhere), "notes": Opinion(rng.dirichlet([1, 1, 1], 600), everywhere)}, target
    )
    assert pool.weights["notes"] < 0.15 < 0.7 < pool.weights["text"]


def test_where_no_source_knows_anything_the_base_rates_speak() -> None:
    target = np.array([0, 0, 0, 1])
    nothing = Opinion(np.full((4, 2), 0.5), np.zeros(4, dtype=bool))
    pool = fit_pool({"text": nothing, "codes": nothing}, target)
    assert np.allclose(pool.fuse({"text": nothing, "codes": nothing}), [[0.7, 0.3]] * 4)


def test_a_code_seen_once_is_hardly_believed_and_one_seen_often_is() -> None:
    model = fit_codes(["rare", *["often"] * 60, *["other"] * 61], np.array([0] * 61 + [1] * 61), 2)
    once, often = model.opinion(["rare", "often"]).shares[:, 0]
    assert once < 0.6 < 0.9 < often


def test_failure_types_add_up_the_causes_they_hold() -> None:
    names, shares = failure_type_shares(
        np.array([[0.5, 0.3, 0.2]]), ["a", "b", "c"], {"a": "product", "b": "process", "c": "product"}
    )
    assert names == ("process", "product")
    assert np.allclose(shares, [[0.3, 0.7]])
    with pytest.raises(ValueError, match="c"):
        failure_type_shares(np.zeros((1, 3)), ["a", "b", "c"], {"a": "x", "b": "x"})


def test_columns_of_other_lengths_and_senseless_weights_are_refused() -> None:
    data = examples(20)
    with pytest.raises(ValueError, match="rows"):
        replace(data, ids=["one"])
    with pytest.raises(ValueError, match="weights"):
        replace(data, weights=[0.0] * 20)
