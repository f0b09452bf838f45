"""Behaviour of a reading, whatever it is made of: negation, typos, names, direction (after CheckList, Ribeiro et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.root_cause.classifier import ClassifierParams, Examples, Training, train
from ml.root_cause.felt import ReadingModels, feel
from ml.root_cause.reading import Reader, Reading
from ml.root_cause.severity_model import SeverityModel, train_severity
from ml.text.embed import Vectors, text_key
from ml.text.fused import FusedModel, FusedParams
from ml.text.redact import redact
from ml.text.sentiment import train_sentiment
from models.programme import Programme
from tests.unit.ml.conftest import CountingEncoder
from tests.unit.ml.small_texts import made
from tests.unit.ml.test_severity_model import judged, known

PARAMS = FusedParams(min_texts=100, min_per_class=10)


class LetterEncoder(CountingEncoder):
    """A bag of letter triples: as with word pieces, a mistyped word stays near the right one."""

    def __call__(self, texts: list[str]) -> Vectors:  # type: ignore[override]
        return super().__call__([" ".join(triples(text)) for text in texts])


def triples(text: str) -> list[str]:
    padded = f" {text.lower()} "
    return [padded[place : place + 3].replace(" ", "_") for place in range(len(padded) - 2)]


@cache
def learnt() -> tuple[ReadingModels, Training]:
    """Models trained on made-up texts, once for all tests of this module."""
    data = made(600)
    signs, vectors = data.signs(), LetterEncoder()(data.texts)
    mood = train_sentiment(data.texts, signs, vectors, data.moods, PARAMS)
    grave = train_severity(data.texts, signs, vectors, known(data), judged(data), PARAMS)
    keys, order = [text_key(text) for text in data.texts], [float(place) for place in range(600)]
    causes = train(Examples(data.texts, vectors, data.causes, keys, order), ClassifierParams(min_texts=100))
    assert isinstance(mood, FusedModel) and isinstance(grave, SeverityModel) and isinstance(causes, Training)
    return ReadingModels(sentiment=mood, severity=grave), causes


def by_rules(bank: Programme, text: str) -> Reading:
    return Reader(bank).read([text], LetterEncoder())[0]


def by_models(bank: Programme, text: str) -> Reading:
    return trained_reader(bank).read([text], LetterEncoder())[0]


def trained_reader(bank: Programme) -> Reader:
    models, causes = learnt()
    return Reader(bank, models, causes.model)


def moods(*texts: str) -> list[float]:
    """Sentiment by the lexicon alone; 0 where unknown."""
    return np.nan_to_num(feel(texts, None, ReadingModels()).sentiments.value).tolist()


WAYS = pytest.mark.parametrize("reader_of", [Reader, trained_reader])


def mood(reading: Reading) -> float:
    return 0.0 if reading.sentiment is None else reading.sentiment


@pytest.mark.parametrize(
    ("denied", "plain"),
    [
        ("The app is not good", "The app is good"),
        ("I am not happy with you", "I am happy with you"),
        ("The staff was never friendly", "The staff was always friendly"),
        ("Nobody was helpful", "Everybody was helpful"),
        ("Ich bin nicht zufrieden", "Ich bin zufrieden"),
        ("Das gefällt mir gar nicht", "Das gefällt mir gut"),
        ("Keine gute Beratung", "Eine gute Beratung"),
        ("No es rápido", "Es rápido"),
        ("Nunca fue amable", "Siempre fue amable"),
        ("No estoy contento", "Estoy contento"),
    ],
)
def test_denying_something_good_is_worse_than_saying_it(bank: Programme, denied: str, plain: str) -> None:
    assert mood(by_rules(bank, denied)) < mood(by_rules(bank, plain))


@pytest.mark.parametrize(
    ("denied", "plain"),
    [
        ("not bad", "bad"),
        ("The wait was not terrible", "The wait was terrible"),
        ("nicht schlecht", "schlecht"),
        ("Das war kein Chaos", "Das war Chaos"),
        ("no está mal", "está mal"),
        ("no es malo", "es malo"),
    ],
)
def test_denying_something_bad_is_better_than_saying_it_and_no_complaint(
    bank: Programme, denied: str, plain: str
) -> None:
    assert mood(by_rules(bank, denied)) > mood(by_rules(bank, plain))
    assert by_rules(bank, denied).sentiment_label != "negative"


def test_a_trained_model_knows_denied_words_as_well(bank: Programme) -> None:
    assert by_models(bank, "note that the app is not good at all in York").sentiment_label == "negative"
    assert by_models(bank, "note that the app is not bad at all in York").sentiment_label == "positive"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my crad was declned again in town", "my card was declined again in town"),
        ("the aplication login scren is brokn since monday", "the application login screen is broken since monday"),
        ("MY CARD WAS DECLINED AGAIN IN TOWN", "my card was declined again in town"),
        ("my  card   was declined again , in town", "my card was declined again in town"),
    ],
)
def test_typing_errors_capitals_and_spaces_do_not_change_cause_or_mood(bank: Programme, typed: str, meant: str) -> None:
    first, second = by_models(bank, typed), by_models(bank, meant)
    assert first.cause.cause_id == second.cause.cause_id
    # A word the model has never seen may cost it its certainty, but never turns the mood.
    assert second.sentiment_label == "negative" and first.sentiment_label != "positive"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("el servicio es rapido", "el servicio es rápido"),
        ("ich bin enttaeuscht", "ich bin enttäuscht"),
        ("the app doesnt work", "the app doesn't work"),
        ("the app doesn’t work", "the app doesn't work"),
    ],
)
def test_letters_a_keyboard_lacks_do_not_change_what_the_rules_read(bank: Programme, typed: str, meant: str) -> None:
    first, second = by_rules(bank, typed), by_rules(bank, meant)
    assert (first.sentiment, first.feedback_kind, first.language) == (
        second.sentiment,
        second.feedback_kind,
        second.language,
    )


NAMES = ["Anna Berg", "José Núñez", "Grace Good", "Karl Sauer", "Mia Bad", "Ángel Malo", "Li Wei"]


@WAYS
@pytest.mark.parametrize("sentence", ["{} was told that the app is broken", "the card of {} was declined, he is angry"])
def test_the_name_of_the_customer_changes_nothing(
    bank: Programme, reader_of: Callable[[Programme], Reader], sentence: str
) -> None:
    texts = [redact(sentence.format(name), (name,)).text for name in NAMES]
    assert len({repr(reading) for reading in reader_of(bank).read(texts, LetterEncoder())}) == 1


ENGLISH = ["the app works well now", "my card was declined", "I wait", "thank you", "not good", "it is fine!"]
TEXTS = st.lists(st.sampled_from(ENGLISH), min_size=1, max_size=5).map(". ".join)
MIXED = st.lists(st.sampled_from([*ENGLISH, "nicht gut", "muy mal", "my lawyer"]), max_size=4).map(". ".join)
THREATS = [
    ". And I will sue you",
    ". Mein Anwalt meldet sich",
    ". Voy a hablar con mi abogado",
    ". I want to kill myself",
]


@WAYS
@settings(max_examples=8, deadline=None)
@given(text=MIXED, threat=st.sampled_from(THREATS), score=st.none() | st.floats(0, 1))
def test_a_threat_never_lowers_gravity_and_a_model_never_lowers_what_the_rules_found(
    bank: Programme, reader_of: Callable[[Programme], Reader], text: str, threat: str, score: float | None
) -> None:
    before, after = reader_of(bank).read([text, text + threat], LetterEncoder(), scores=[score, score])
    rules = Reader(bank).read([text, text + threat], LetterEncoder(), scores=[score, score])
    assert after.severity_floor <= min(before.severity_floor, 2)
    assert after.severity <= after.severity_floor == rules[1].severity
    assert before.severity <= before.severity_floor == rules[0].severity


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from([". The staff was wonderful", ". Great service, thank you so much", ". Excellent"]))
def test_praise_at_the_end_never_makes_a_text_worse(text: str, praise: str) -> None:
    before, after = moods(text, text + praise)
    assert after >= before


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from([". The staff was terrible", ". Worst service ever", ". I am furious"]))
def test_a_complaint_at_the_end_never_makes_a_text_better(text: str, complaint: str) -> None:
    before, after = moods(text, text + complaint)
    assert after <= before


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from([". It is urgent", ". I called 3 times already", ". I need help, I am desperate"]))
def test_a_reason_to_hurry_never_makes_a_text_less_urgent(text: str, hurry: str) -> None:
    found = feel([text, text + hurry, "I have a question"], None, ReadingModels()).urgency
    assert found.probability[1] > found.probability[0] >= found.probability[2]
    assert set(found.reasons[0]) < set(found.reasons[1])
