"""Themes that keep their identity while topic models come and go.

Belongs here: matching the topics of a refit to the themes known so far, and remembering births, survivals and rests.
Not here: fitting topics (`topics.py`). First cut: one topic matches one theme; splits and merges come with the text
issue, which adds event kinds and leaves this file's shape as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.root_cause.topics import Topic
from ml.text.embed import DIMENSIONS, Vectors

# Cosine of two centroids from which they are the same theme. ML.md: a warm-started refit keeps 83 % above this.
SAME_THEME = 0.9


@dataclass(frozen=True, slots=True)
class Theme:
    """A registered theme. The name is the one given at birth until a person changes it; `centroid` is the newest."""

    theme_id: str
    name: str
    keywords: tuple[str, ...]
    centroid: tuple[float, ...]
    born_in: str
    last_seen_in: str


@dataclass(frozen=True, slots=True)
class ThemeEvent:
    """What a refit did to one theme: `born`, `kept` or `rested` (no topic of the fit is near it)."""

    topic_model_id: str
    kind: str
    theme_id: str
    cosine: float | None


@dataclass(frozen=True, slots=True)
class ThemeRegistry:
    """All themes ever born, by id, and everything that happened to them in order."""

    themes: tuple[Theme, ...] = ()
    events: tuple[ThemeEvent, ...] = ()

    def centroids(self) -> Vectors:
        """Unit centroids (themes, DIMENSIONS) in the order of `themes`."""
        if not self.themes:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        return np.array([theme.centroid for theme in self.themes], dtype=np.float32)

    def theme(self, theme_id: str) -> Theme:
        """One theme. Raises KeyError when it was never born."""
        return {theme.theme_id: theme for theme in self.themes}[theme_id]

    def as_json(self) -> dict[str, Any]:
        """Plain data for the model store."""
        return {
            "themes": [
                {
                    "theme_id": theme.theme_id,
                    "name": theme.name,
                    "keywords": list(theme.keywords),
                    "centroid": list(theme.centroid),
                    "born_in": theme.born_in,
                    "last_seen_in": theme.last_seen_in,
                }
                for theme in self.themes
            ],
            "events": [[event.topic_model_id, event.kind, event.theme_id, event.cosine] for event in self.events],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> ThemeRegistry:
        """The registry as saved by `as_json`."""
        themes = tuple(
            Theme(**{**row, "keywords": tuple(row["keywords"]), "centroid": tuple(row["centroid"])})
            for row in data["themes"]
        )
        return ThemeRegistry(themes, tuple(ThemeEvent(*row) for row in data["events"]))


def register(
    registry: ThemeRegistry, topics: Sequence[Topic], centroids: Vectors, topic_model_id: str
) -> tuple[ThemeRegistry, tuple[str, ...]]:
    """The registry after a refit, and the theme id of every topic in order.

    Topics are matched one to one so that the sum of cosines is largest (Hungarian method); a pair below SAME_THEME is
    no match and a theme is born. A theme without a topic rests: it stays known and can be met again.
    """
    pairs = _matches(registry.centroids(), centroids)
    known = {theme.theme_id: theme for theme in registry.themes}
    events: list[ThemeEvent] = []
    ids: list[str] = []
    for topic, centroid in zip(topics, centroids, strict=True):
        place, cosine = pairs.get(topic.topic_id, (None, None))
        if place is None:
            theme_id = _new_id(centroid, known)
            name, keywords, born_in = topic.name, topic.keywords, topic_model_id
        else:
            old = registry.themes[place]
            theme_id, name, keywords, born_in = old.theme_id, old.name, topic.keywords, old.born_in
        known[theme_id] = Theme(theme_id, name, keywords, _rounded(centroid), born_in, topic_model_id)
        events.append(ThemeEvent(topic_model_id, "born" if place is None else "kept", theme_id, cosine))
        ids.append(theme_id)
    events += [
        ThemeEvent(topic_model_id, "rested", theme.theme_id, None)
        for theme in registry.themes
        if theme.theme_id not in ids
    ]
    return ThemeRegistry(tuple(known[name] for name in sorted(known)), registry.events + tuple(events)), tuple(ids)


def _matches(old: Vectors, new: Vectors) -> dict[int, tuple[int, float]]:
    """New topic -> (place of the old theme, cosine), for pairs that are the same theme."""
    from scipy.optimize import linear_sum_assignment

    if not len(old) or not len(new):
        return {}
    cosine = new @ old.T
    # Below the floor nothing is gained by a pairing, so it may not push a true pair aside.
    rows, columns = linear_sum_assignment(-np.where(cosine >= SAME_THEME, cosine, 0.0))
    return {
        int(row): (int(column), round(float(cosine[row, column]), 4))
        for row, column in zip(rows, columns, strict=True)
        if cosine[row, column] >= SAME_THEME
    }


def _rounded(centroid: Vectors) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in centroid)


def _new_id(centroid: Vectors, known: dict[str, Theme]) -> str:
    """`T-` and eight hex digits of the centroid at birth; the next digest in the unlikely case that it is taken."""
    digest = hashlib.sha256(np.asarray(centroid, dtype="<f4").tobytes()).hexdigest()
    while f"T-{digest[:8]}" in known:
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return f"T-{digest[:8]}"
