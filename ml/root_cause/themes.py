"""A saved topic fit with its theme ids: what assigning and naming need, as plain files.

Belongs here: fitting topics against the registry, and the files of the result. Not here: the fit itself (`topics.py`)
or the matching (`registry.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ml.root_cause.registry import ThemeRegistry, register
from ml.root_cause.topics import Topic, TopicFit, TopicParams, fit_topics
from ml.store import StoredModel, dump_array, dump_json
from ml.text.embed import Vectors, text_key

# Part of the model id: raise it when the same texts and parameters would give other topics.
CODE_VERSION = 1


@dataclass(frozen=True, slots=True)
class ThemeModel:
    """Topics with unit centroids (topics, DIMENSIONS), the theme of each, and the registry after this fit."""

    topic_model_id: str
    topics: tuple[Topic, ...]
    theme_ids: tuple[str, ...]
    centroids: Vectors
    registry: ThemeRegistry

    def files(self) -> dict[str, bytes]:
        """The model as files for the store: JSON and one plain array. No text of a customer is in them."""
        topics = [
            {**asdict(topic), "keywords": list(topic.keywords), "theme_id": theme_id}
            for topic, theme_id in zip(self.topics, self.theme_ids, strict=True)
        ]
        return {
            "topics.json": dump_json(topics),
            "centroids.npy": dump_array(self.centroids),
            "registry.json": dump_json(self.registry.as_json()),
        }


def load_theme_model(stored: StoredModel) -> ThemeModel:
    """The theme model of a checked stored model."""
    rows = stored.json("topics.json")
    return ThemeModel(
        topic_model_id=stored.model_id,
        topics=tuple(Topic(row["topic_id"], row["name"], tuple(row["keywords"]), row["size"]) for row in rows),
        theme_ids=tuple(row["theme_id"] for row in rows),
        centroids=np.asarray(stored.array("centroids.npy"), dtype=np.float32),
        registry=ThemeRegistry.from_json(stored.json("registry.json")),
    )


def fit_themes(
    texts: Sequence[str],
    vectors: Vectors,
    params: TopicParams,
    *,
    registry: ThemeRegistry,
    embed: Callable[[Sequence[str]], Vectors] | None,
) -> tuple[ThemeModel, TopicFit]:
    """Topics of distinct texts in a stable order, started from the themes seen last and matched to the registry."""
    newest = registry.themes and registry.events[-1].topic_model_id
    seen = [place for place, theme in enumerate(registry.themes) if theme.last_seen_in == newest]
    start = registry.centroids()[seen] if seen else None
    fit = fit_topics(texts, vectors, params, start=start, embed=embed)
    topic_model_id = _model_id(texts, params, registry)
    after, theme_ids = register(registry, fit.topics, fit.centroids, topic_model_id)
    return ThemeModel(topic_model_id, fit.topics, theme_ids, fit.centroids, after), fit


def _model_id(texts: Sequence[str], params: TopicParams, registry: ThemeRegistry) -> str:
    """Hash of what the fit is a function of: code version, parameters, texts, and the themes it started from."""
    content = hashlib.sha256(repr((CODE_VERSION, sorted(asdict(params).items()))).encode())
    for text in texts:
        content.update(text_key(text).encode())
    content.update(dump_json(registry.as_json()))
    return f"topics-{content.hexdigest()[:12]}"
