"""A fit explored with BERTopic: its topics, sizes and names are those of the fit."""

from __future__ import annotations

from ml.root_cause.explore import interpretive_model
from ml.root_cause.topics import TopicParams, fit_topics
from tests.integration.ml.test_topics import corpus
from tests.unit.ml.conftest import CountingEncoder


def test_bertopic_shows_the_topics_of_the_fit() -> None:
    texts, _ = corpus(300)
    fit = fit_topics(texts, CountingEncoder()(texts), TopicParams(clusters=6))
    assert fit.table is not None
    names = [topic.name for topic in fit.topics]
    model = interpretive_model(fit.table, fit.labels, fit.centroids, names)
    info = model.get_topic_info()
    assert sorted(info["CustomName"]) == sorted(names)
    assert sorted(info["Count"]) == sorted(topic.size for topic in fit.topics)
    for topic in fit.topics:
        row = info[info["CustomName"] == topic.name].iloc[0]
        assert set(row["Representation"]) & set(topic.words)
        assert len(model.topic_embeddings_) == len(fit.topics)
