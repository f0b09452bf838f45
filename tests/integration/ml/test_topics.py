"""Topics: found where they were planted, named by their words, the same every time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ml.root_cause.topics import TopicFit, TopicParams, assign, fit_topics
from tests.integration.ml.conftest import SUBJECTS, subject_text
from tests.unit.ml.conftest import CountingEncoder

PARAMS = TopicParams(min_clusters=4, max_clusters=12)


def corpus(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    codes = [rng.choice(sorted(SUBJECTS)) for _ in range(count)]
    return [subject_text(code, rng) for code in codes], codes


@pytest.fixture(scope="module")
def fitted() -> tuple[TopicFit, list[str], list[str]]:
    texts, codes = corpus(400)
    return fit_topics(texts, CountingEncoder()(texts), PARAMS, embed=CountingEncoder()), texts, codes


def test_texts_of_one_subject_share_a_topic(fitted: tuple[TopicFit, list[str], list[str]]) -> None:
    from sklearn.metrics import normalized_mutual_info_score

    fit, _, codes = fitted
    assert normalized_mutual_info_score(codes, fit.labels) > 0.85
    assert fit.metrics["diversity"] > 0.8
    assert 4 <= len(fit.topics) <= 12


def test_every_topic_is_named_by_words_of_its_subject(fitted: tuple[TopicFit, list[str], list[str]]) -> None:
    fit, _, codes = fitted
    for topic in fit.topics:
        members = [code for code, label in zip(codes, fit.labels, strict=True) if label == topic.topic_id]
        subject = max(set(members), key=members.count)
        words = set(topic.name.lower().replace(",", "").split())
        assert words & set(SUBJECTS[subject].split())
        assert topic.name[0].isupper()
        assert topic.keywords
    assert len({topic.name for topic in fit.topics}) == len(fit.topics)


def test_the_same_texts_give_the_same_topics(fitted: tuple[TopicFit, list[str], list[str]]) -> None:
    fit, texts, _ = fitted
    again = fit_topics(texts, CountingEncoder()(texts), PARAMS, embed=CountingEncoder())
    assert again.topics == fit.topics
    assert np.array_equal(again.centroids, fit.centroids)
    assert np.array_equal(again.labels, fit.labels)


def test_texts_outside_the_sample_find_the_topic_of_their_subject(
    fitted: tuple[TopicFit, list[str], list[str]],
) -> None:
    from sklearn.metrics import normalized_mutual_info_score

    fit, _, _ = fitted
    texts, codes = corpus(200, seed=8)
    labels, nearness = assign(CountingEncoder()(texts), fit.centroids)
    assert normalized_mutual_info_score(codes, labels) > 0.85
    assert nearness.min() > 0.15


def test_assignment_in_chunks_is_the_same_as_at_once(fitted: tuple[TopicFit, list[str], list[str]]) -> None:
    fit, _, _ = fitted
    texts, _ = corpus(50, seed=3)
    vectors = np.tile(CountingEncoder()(texts), (400, 1))
    labels, _ = assign(vectors, fit.centroids)
    assert np.array_equal(labels.reshape(400, 50), np.tile(assign(vectors[:50], fit.centroids)[0], (400, 1)))


def test_too_few_texts_are_refused() -> None:
    texts, _ = corpus(20)
    with pytest.raises(ValueError, match="at least"):
        fit_topics(texts, CountingEncoder()(texts), PARAMS)


def test_texts_with_hardly_any_words_still_give_topics() -> None:
    texts = ["!!! ???"] * 30 + ["fee fee"] * 30 + ["der die das"] * 30
    fit = fit_topics(texts, CountingEncoder()(texts), TopicParams(clusters=3))
    assert sum(topic.size for topic in fit.topics) == 90
    assert all(topic.name for topic in fit.topics)
