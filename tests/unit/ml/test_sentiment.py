"""Sentiment, urgency and kind of text: from rules without labels, from people's labels with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.store import ModelRefused, ModelStore
from ml.text.fused import FusedModel, FusedParams, Labelled, TooFew, load_fused, train_fused
from ml.text.sentiment import KIND, by_lexicon, scored_labels, sentiments, train_sentiment
from ml.text.signs import read_signs
from ml.text.tone import FEEDBACK_KINDS, feedback_kinds, train_kinds, train_urgency, urgencies
from tests.unit.ml.conftest import CountingEncoder
from tests.unit.ml.small_texts import Made, made

PARAMS = FusedParams(min_texts=100, min_per_class=10)


@pytest.fixture(scope="module")
def data() -> Made:
    return made(500)


@pytest.fixture(scope="module")
def model(data: Made) -> FusedModel:
    trained = train_sentiment(data.texts, data.signs(), data.vectors(), data.moods, PARAMS)
    assert isinstance(trained, FusedModel)
    return trained


def test_scores_beside_words_become_classes_and_a_missing_score_becomes_none() -> None:
    scores = [0.0, 0.4, 0.41, 0.74, 0.75, 1.0, None, float("nan")]
    low, middle, high = "negative", "neutral", "positive"
    assert scored_labels(scores) == [low, low, middle, middle, high, high, None, None]


def test_the_model_tells_moods_apart_on_unseen_texts_and_means_its_probabilities(model: FusedModel) -> None:
    fresh = made(200, seed=5)
    found = sentiments(fresh.signs(), fresh.vectors(), model)
    assert np.mean([label == mood for label, mood in zip(found.labels, fresh.moods, strict=True)]) > 0.9
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    assert (np.abs(found.value) <= 1).all() and found.basis == "sentiment"
    assert model.metrics["accuracy_low"] <= model.metrics["accuracy"] <= model.metrics["accuracy_high"]


def test_without_a_model_the_lexicon_speaks_and_where_it_knows_no_word_the_sentiment_is_unknown() -> None:
    found = by_lexicon(read_signs(["The staff was very friendly", "Terrible, never again", "Where is it", ""]))
    assert found.labels == ["positive", "negative", None, None]
    assert found.value[0] > 0 > found.value[1] and np.isnan(found.value[2:]).all() and np.isnan(found.confidence[3])


def test_a_model_says_nothing_about_a_text_without_words(model: FusedModel) -> None:
    texts = ["!!!", "the app is great"]
    found = sentiments(read_signs(texts), CountingEncoder()(texts), model)
    assert found.labels == [None, "positive"]


def test_a_saved_model_says_the_same_and_one_of_another_version_is_refused(tmp_path: Path, model: FusedModel) -> None:
    store, fresh = ModelStore(tmp_path), made(30, seed=3)
    store.save(KIND, model.model_id, model.files())
    loaded = load_fused(store.load(KIND, model.model_id))
    before = model.probabilities(fresh.signs(), fresh.vectors())
    assert np.array_equal(before, loaded.probabilities(fresh.signs(), fresh.vectors()))
    files = model.files() | {
        "about.json": model.files()["about.json"].replace(b'"code_version": 2', b'"code_version": 0')
    }
    store.save(KIND, "old", files)
    with pytest.raises(ModelRefused, match="version 0"):
        load_fused(store.load(KIND, "old"))


def test_the_order_of_the_texts_does_not_matter(data: Made, model: FusedModel) -> None:
    back = Made(data.texts[::-1], data.moods[::-1], data.causes[::-1])
    again = train_sentiment(back.texts, back.signs(), back.vectors(), back.moods, PARAMS)
    assert isinstance(again, FusedModel)
    fresh = made(30, seed=3)
    assert again.model_id == model.model_id
    shares = again.probabilities(fresh.signs(), fresh.vectors())
    assert np.array_equal(shares, model.probabilities(fresh.signs(), fresh.vectors()))


def test_too_few_labels_or_one_end_only_train_nothing_and_say_why(data: Made) -> None:
    few = made(50)
    found = train_sentiment(few.texts, few.signs(), few.vectors(), few.moods, PARAMS)
    assert isinstance(found, TooFew) and "100" in found.reason
    milder = made(300, moods=("neutral", "positive"))
    found = train_sentiment(milder.texts, milder.signs(), milder.vectors(), milder.moods, PARAMS)
    assert isinstance(found, TooFew) and "low and high" in found.reason
    with pytest.raises(ValueError, match="furious"):
        train_sentiment(["x"], read_signs(["x"]), CountingEncoder()(["x"]), ["furious"], PARAMS)


def test_further_columns_are_asked_for_again(data: Made) -> None:
    extras = np.ones((len(data.texts), 2))
    trained = train_fused("x", Labelled(data.texts, data.signs(), data.vectors(), data.moods, extras), PARAMS)
    assert isinstance(trained, FusedModel)
    with pytest.raises(ValueError, match="2 further columns"):
        trained.probabilities(data.signs(), data.vectors())


@pytest.mark.parametrize(
    ("louder", "calmer"),
    [
        ("I need this today, it is urgent", "I need this"),
        ("I called 4 times and still nothing", "I called"),
        ("Ich bin verzweifelt, bitte helfen Sie mir", "Ich bin in Leipzig"),
        ("Es urgente, sigo esperando", "Espero su correo"),
        ("It is urgent", "It is not urgent"),
        ("ANSWER ME RIGHT NOW PLEASE!!!", "answer me please"),
    ],
)
def test_urgency_rises_with_its_reasons(louder: str, calmer: str) -> None:
    found = urgencies(read_signs([louder, calmer]))
    assert found.probability[0] > found.probability[1] and found.reasons[0]


def test_a_text_without_reasons_is_calm_and_names_none() -> None:
    found = urgencies(read_signs(["I have a question about my statement"]))
    assert found.probability[0] < 0.1 and found.reasons == ((),)


def test_urgency_learns_from_what_became_of_texts() -> None:
    data = made(400)
    escalated = [cause == "branch_wait" for cause in data.causes]
    trained = train_urgency(data.texts, data.signs(), data.vectors(), escalated, PARAMS)
    assert isinstance(trained, FusedModel)
    fresh = made(100, seed=8)
    found = urgencies(fresh.signs(), fresh.vectors(), trained)
    truth = np.array([cause == "branch_wait" for cause in fresh.causes])
    assert found.probability[truth].min() > 0.5 > found.probability[~truth].max()


@pytest.mark.parametrize(
    ("text", "score", "expected"),
    [
        ("It would be nice if the app had a dark mode", None, "suggestion"),
        ("Ich schlage vor, die Filiale am Samstag zu öffnen", None, "suggestion"),
        ("Sería bueno tener una opción en la app", None, "suggestion"),
        ("Thank you so much, Maria was wonderful", None, "praise"),
        ("Vielen Dank, sehr freundlich", None, "praise"),
        ("Muchas gracias por su ayuda, excelente atención", None, "praise"),
        ("The app does not work and I want a refund", None, "problem"),
        ("Die Karte funktioniert nicht", None, "problem"),
        ("Me han cobrado una comisión y nadie responde", None, "problem"),
        ("When does the branch open on friday", None, "other"),
        ("Thanks for nothing, my card is blocked", 0.0, "problem"),
        ("", None, None),
    ],
)
def test_the_kind_of_a_text_follows_its_phrases_mood_and_score(
    text: str, score: float | None, expected: str | None
) -> None:
    signs = read_signs([text])
    assert feedback_kinds(signs, by_lexicon(signs), [score]).labels == [expected]


def test_the_kind_is_learnt_where_people_gave_it() -> None:
    data = made(400)
    kinds = ["suggestion" if cause == "app_outage" else "other" for cause in data.causes]
    trained = train_kinds(data.texts, data.signs(), data.vectors(), kinds, PARAMS)
    assert isinstance(trained, FusedModel)
    found = feedback_kinds(data.signs(), by_lexicon(data.signs()), None, data.vectors(), trained)
    assert found.labels == kinds and found.probabilities.shape == (400, len(FEEDBACK_KINDS))
    with pytest.raises(ValueError, match="rant"):
        train_kinds(["x"], read_signs(["x"]), CountingEncoder()(["x"]), ["rant"], PARAMS)
