"""The cause classifier: learns what can be learnt, refuses what cannot, and judges itself fairly."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.root_cause.classifier import (
    KIND,
    ClassifierParams,
    Examples,
    NotEnoughData,
    Training,
    _group_split,
    _time_split,
    abstain_threshold,
    calibration_error,
    fit_model,
    load_cause_model,
    train,
)
from ml.root_cause.examples import usable
from ml.root_cause.judge import auto_threshold
from ml.store import ModelRefused, ModelStore, StoredModel
from ml.text.embed import text_key
from tests.unit.ml.conftest import CountingEncoder

WORDS = {
    "fee_dispute": ["overdraft", "fee", "charged", "interest", "waive", "statement", "penalty"],
    "card_declined": ["card", "declined", "terminal", "contactless", "shop", "payment", "pin"],
    "app_outage": ["app", "crash", "login", "outage", "update", "screen", "error"],
}
NOISE = ["the", "bank", "my", "please", "today", "again", "very", "customer", "number", "house", "people"]
PARAMS = ClassifierParams(min_texts=100)


def examples(count: int, *, seed: int = 0, wrong: float = 0.0, copies: int = 0) -> Examples:
    rng = random.Random(seed)
    texts, causes = [], []
    for _ in range(count):
        cause = rng.choice(sorted(WORDS))
        words = rng.choices(WORDS[cause], k=4) + rng.choices(NOISE, k=5)
        rng.shuffle(words)
        texts.append(" ".join(words))
        causes.append(rng.choice(sorted(WORDS)) if rng.random() < wrong else cause)
    texts += texts[:copies]
    causes += causes[:copies]
    return Examples(
        texts=texts,
        vectors=CountingEncoder()(texts),
        causes=causes,
        groups=[text_key(text) for text in texts],
        occurred=[float(place) for place in range(len(texts))],
    )


@pytest.fixture(scope="module")
def trained() -> Training:
    result = train(examples(400), PARAMS)
    assert isinstance(result, Training)
    return result


def test_causes_that_differ_in_words_are_told_apart_on_unseen_texts(trained: Training) -> None:
    assert trained.metrics()["random_accuracy"] > 0.95
    assert trained.metrics()["time_accuracy"] > 0.95
    causes, confidence = trained.model.predict(
        ["card declined at the shop terminal"], CountingEncoder()(["card declined at the shop terminal"])
    )
    assert causes == ["card_declined"]
    assert 0.5 < confidence[0] <= 1


def test_labels_that_mean_nothing_are_not_learnt() -> None:
    noise = train(examples(400, wrong=1.0), PARAMS)
    assert isinstance(noise, Training)
    assert noise.metrics()["random_accuracy"] < 0.55
    assert noise.model.abstain_below >= 0.4


@pytest.mark.parametrize("count", [0, 1, 99])
def test_too_few_labels_are_said_and_nothing_is_trained(count: int) -> None:
    result = train(examples(count), PARAMS) if count else train(examples(1).take(np.array([], dtype=np.int64)), PARAMS)
    assert isinstance(result, NotEnoughData)
    assert str(PARAMS.min_texts) in result.reason


def test_a_single_cause_is_not_enough() -> None:
    data = examples(300)
    rows = np.array([row for row, cause in enumerate(data.causes) if cause == "app_outage"] * 2)
    assert isinstance(train(data.take(rows), PARAMS), NotEnoughData)


def test_a_rare_cause_is_left_out_and_counted() -> None:
    data = examples(300)
    rare = Examples(data.texts, data.vectors, ["rare", *data.causes[1:]], data.groups, data.occurred)
    result = train(rare, PARAMS)
    assert isinstance(result, Training)
    assert result.left_out == {"rare": 1}
    assert "rare" not in result.model.causes


def test_copies_of_a_text_never_lie_on_both_sides_of_a_split() -> None:
    data = examples(300, copies=100)
    data = data.take(np.random.default_rng(0).permutation(400))
    data = Examples(data.texts, data.vectors, data.causes, data.groups, [float(place) for place in range(400)])
    for split in (_group_split(data, PARAMS), _time_split(data, PARAMS)):
        assert split is not None
        left = {data.groups[row] for row in split[0]}
        assert not left & {data.groups[row] for row in split[1]}


def test_the_same_examples_give_the_same_model_and_predictions_in_any_order(trained: Training) -> None:
    data = examples(400)
    turned = train(data.take(np.arange(400)[::-1]), PARAMS)
    assert isinstance(turned, Training)
    assert turned.model.model_id == trained.model.model_id
    fresh = examples(50, seed=9)
    assert np.array_equal(
        turned.model.probabilities(fresh.texts, fresh.vectors), trained.model.probabilities(fresh.texts, fresh.vectors)
    )
    assert turned.metrics() == trained.metrics()


def test_a_saved_model_predicts_as_before(tmp_path: Path, trained: Training) -> None:
    store = ModelStore(tmp_path)
    store.save(KIND, trained.model.model_id, trained.model.files())
    store.promote(KIND, trained.model.model_id)
    stored = store.active(KIND)
    assert stored is not None
    loaded = load_cause_model(stored)
    fresh = examples(50, seed=9)
    assert loaded.predict(fresh.texts, fresh.vectors)[0] == trained.model.predict(fresh.texts, fresh.vectors)[0]
    assert loaded.model_id == trained.model.model_id


def test_an_unsure_model_says_nothing(trained: Training) -> None:
    text = ["house people number"]
    causes, confidence = trained.model.predict(text, CountingEncoder()(text))
    assert confidence[0] < 0.9
    strict = replace(trained.model, thresholds=replace(trained.model.thresholds, abstain_below=0.95))
    assert strict.predict(text, CountingEncoder()(text))[0] == [None]
    assert causes != [None] or trained.model.abstain_below > confidence[0]


def test_calibration_error_is_zero_for_a_model_that_means_what_it_says() -> None:
    confidence = np.array([0.75] * 4 + [0.25] * 4)
    right = np.array([True, True, True, False, True, False, False, False])
    assert calibration_error(confidence, right)[0] == pytest.approx(0.0)
    assert calibration_error(confidence, ~right)[0] == pytest.approx(0.5)


def test_the_abstain_threshold_is_the_lowest_that_is_precise_enough() -> None:
    confidence = np.array([0.9] * 7 + [0.28] * 10)
    right = np.array([True] * 7 + [False] * 10)
    assert abstain_threshold(confidence, right, PARAMS) == 0.3
    assert abstain_threshold(confidence, np.ones(17, dtype=bool), PARAMS) == 0.0


def test_a_model_may_act_alone_only_where_even_the_lower_bound_is_precise_enough() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 4000)
    right = rng.random(4000) < confidence
    border = auto_threshold(confidence, right, 0.9)
    assert border is not None
    assert 0.78 < border < 0.9
    fresh = rng.uniform(border, 1, 20_000)
    assert (rng.random(20_000) < fresh).mean() > 0.9
    assert auto_threshold(confidence, right, 0.999) is None
    assert auto_threshold(np.ones(100), np.ones(100, dtype=bool), 0.98) is None


def test_what_is_routed_alone_and_how_well_sets_hold_is_part_of_the_judgement(trained: Training) -> None:
    metrics = trained.random_split.metrics
    assert 0 <= metrics["auto_coverage"] <= 1
    assert metrics["set_coverage"] >= 0.8
    assert metrics["accuracy_low"] < metrics["accuracy"] <= metrics["accuracy_high"]
    assert metrics["macro_f1_low"] <= metrics["macro_f1"] <= metrics["macro_f1_high"]


def test_sets_are_led_by_the_likeliest_cause_and_review_is_asked_for_when_several_fit(trained: Training) -> None:
    model = replace(
        trained.model, thresholds=replace(trained.model.thresholds, set_limits=(0.2, 0.2, 0.2), abstain_below=0.5)
    )
    shares = np.array([[0.3, 0.1, 0.6], [0.9, 0.05, 0.05]])
    app, _, fee = model.causes
    assert model.sets(shares) == [(fee, app), (app,)]
    assert model.unsure(shares) == ["several", None]
    assert model.decide(shares)[0] == [fee, app]


def test_nothing_is_routed_alone_while_no_confidence_was_proven(trained: Training) -> None:
    never = replace(trained.model, thresholds=replace(trained.model.thresholds, auto_from=None))
    often = replace(trained.model, thresholds=replace(trained.model.thresholds, auto_from=0.6))
    shares = np.array([[0.3, 0.1, 0.6], [0.5, 0.25, 0.25]])
    assert never.is_automatic(shares) == [False, False]
    assert often.is_automatic(shares) == [True, False]


def test_unsure_labellers_are_believed_less() -> None:
    data = examples(300, wrong=0.0)
    wrong = np.random.default_rng(0).random(300) < 0.4
    shifted = {"app_outage": "card_declined", "card_declined": "fee_dispute", "fee_dispute": "app_outage"}
    causes = [shifted[cause] if bad else cause for cause, bad in zip(data.causes, wrong, strict=True)]
    noisy = replace(data, causes=causes)
    weighted = replace(noisy, weights=[0.1 if bad else 1.0 for bad in wrong])
    fresh = examples(300, seed=9)
    accuracy = {}
    for name, own in (("plain", noisy), ("weighted", weighted)):
        model, _ = fit_model(own, PARAMS)
        shares = model.probabilities(fresh.texts, fresh.vectors)
        accuracy[name] = np.mean(
            [model.causes[best] == c for best, c in zip(shares.argmax(1), fresh.causes, strict=True)]
        )
    assert accuracy["weighted"] > accuracy["plain"] + 0.02


def test_held_out_probabilities_do_not_know_the_label_of_their_own_text() -> None:
    data = examples(300)
    wrong = np.random.default_rng(1).random(300) < 0.1
    causes = ["app_outage" if bad else cause for cause, bad in zip(data.causes, wrong, strict=True)]
    rows = np.flatnonzero(wrong & (np.array(data.causes) != "app_outage"))
    _, held_out = fit_model(replace(data, causes=causes, ids=[str(row) for row in range(300)]), PARAMS)
    place = held_out.causes.index("app_outage")
    assert held_out.shares[rows, place].mean() < 0.35
    assert held_out.ids is not None
    assert [held_out.ids[row] for row in rows] == [str(row) for row in rows]


def test_above_the_limit_of_texts_rare_causes_stay_whole_and_the_newest_stay() -> None:
    data = examples(300)
    causes = ["rare" if row < 20 else cause for row, cause in enumerate(data.causes)]
    kept, left_out = usable(replace(data, causes=causes), ClassifierParams(max_texts=120))
    assert left_out == {}
    assert len(kept.texts) == 120
    assert list(kept.causes).count("rare") == 20
    assert max(kept.occurred) == 299
    assert list(kept.occurred) == sorted(kept.occurred)


def test_texts_without_words_are_not_counted_as_enough() -> None:
    data = examples(300)
    result = train(replace(data, texts=["123 456"] * 300, groups=[str(row) for row in range(300)]), PARAMS)
    assert isinstance(result, NotEnoughData)
    assert result.texts == 0


def test_a_model_of_an_earlier_version_is_refused(trained: Training) -> None:
    files = dict(trained.model.files())
    files["about.json"] = files["about.json"].replace(b'"code_version": 3', b'"code_version": 1')
    with pytest.raises(ModelRefused, match="version 1"):
        load_cause_model(StoredModel(KIND, "old", files))


def test_a_text_is_scored_the_same_whatever_is_scored_beside_it(trained: Training) -> None:
    fresh = examples(70, seed=9)
    whole = trained.model.probabilities(fresh.texts, fresh.vectors)
    alone = np.vstack(
        [trained.model.probabilities([fresh.texts[row]], fresh.vectors[row : row + 1]) for row in range(70)]
    )
    assert np.abs(whole - alone).max() < 1e-12
