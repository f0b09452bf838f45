"""Names a person would give: the programme's own causes, one language, no two alike."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ml.root_cause.naming import Guide
from ml.root_cause.topics import TopicFit, TopicParams, fit_topics
from models.programme import Programme
from tests.unit.ml.conftest import CountingEncoder

# Small words make running text of a language; the nouns make the subject.
SUBJECTS = {
    "en fees": ("they have the", "overdraft fee charged interest statement"),
    "en card": ("they have the", "card declined reader terminal supermarket"),
    "en app": ("they have the", "app crash outage website update"),
    "de fees": ("ich habe die und", "gebühren konto kontoauszug berechnet"),
    "es fees": ("yo con una por", "comisión cuenta cargo mantenimiento"),
    "es other": ("yo con una por", "respuesta espera sorpresa carta"),
}
CAUSE = {"en fees": "fee_dispute", "en card": "card_declined", "en app": "app_outage", "de fees": "fee_dispute"}


def corpus() -> tuple[list[str], list[str]]:
    rng, texts = random.Random(3), {}
    for subject, (small, nouns) in SUBJECTS.items():
        for _ in range(70 if subject.startswith("en") else 30):
            texts[f"{small} {' '.join(rng.sample(nouns.split(), 3))} {rng.randint(0, 10**6)}"] = subject
    return list(texts), list(texts.values())


@pytest.fixture(scope="module")
def fit(bank: Programme) -> tuple[TopicFit, list[str]]:
    texts, subjects = corpus()
    causes = [CAUSE.get(subject) if place % 3 == 0 else None for place, subject in enumerate(subjects)]
    params = TopicParams(clusters=3)
    return fit_topics(texts, CountingEncoder()(texts), params, guide=Guide.of(bank.taxonomy), causes=causes), subjects


def topic_of(fit: tuple[TopicFit, list[str]], subject: str) -> int:
    rows = [place for place, own in enumerate(fit[1]) if own == subject]
    return int(np.bincount(fit[0].labels[rows]).argmax())


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("en fees", "Unexpected or disputed fees"),
        ("en card", "Card declined or not working"),
        ("en app", "App or online banking not working"),
    ],
)
def test_a_topic_clearly_about_a_cause_has_its_title(fit: tuple[TopicFit, list[str]], subject: str, title: str) -> None:
    topic = fit[0].topics[topic_of(fit, subject)]
    assert topic.name.startswith(title)


@pytest.mark.parametrize("subject", ["de fees", "es fees"])
def test_the_same_cause_in_another_language_is_a_copy_of_the_theme(
    fit: tuple[TopicFit, list[str]], subject: str
) -> None:
    english = topic_of(fit, "en fees")
    other = fit[0].topics[topic_of(fit, subject)]
    assert other.topic_id != english
    assert other.copy_of == english
    assert other.name == fit[0].topics[english].name


def test_what_is_unknown_in_another_language_says_so(fit: tuple[TopicFit, list[str]]) -> None:
    topic = fit[0].topics[topic_of(fit, "es other")]
    assert topic.copy_of is None
    assert topic.name.startswith("In Spanish: ")


def test_no_two_themes_have_one_name(fit: tuple[TopicFit, list[str]]) -> None:
    names = [topic.name for topic in fit[0].topics if topic.copy_of is None]
    assert len(names) == len(set(names))


def test_the_order_of_texts_changes_nothing(fit: tuple[TopicFit, list[str]]) -> None:
    texts, _ = corpus()
    order = np.random.default_rng(1).permutation(len(texts))
    vectors = CountingEncoder()(texts)
    params = TopicParams(clusters=3)
    one, two = fit_topics(texts, vectors, params), fit_topics([texts[row] for row in order], vectors[order], params)
    assert one.topics == two.topics
    assert np.array_equal(one.labels[order], two.labels)
    assert len(fit[1]) == len(texts)
