"""Themes that keep their identity while topic models come and go.

Belongs here: what a theme is, matching the topics of a refit to the themes known so far, and what each refit did to
each theme. Not here: fitting topics (`topics.py`), what people decide (`theme_review.py`) and the words of history
(`theme_events.py`).

Method: one-to-one assignment (Kuhn 1955) over the cosine of centroids, the overlap of words, and the overlap of texts
where both models have seen the same ones. Lineage follows the texts: a new theme most of whose texts were in one theme
is split off from it, a theme most of whose texts are now in one other has merged into that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.topics import Topic
from ml.text.embed import DIMENSIONS, Vectors

# Cosine of two centroids from which they are the same theme. ML.md: a warm-started refit keeps 83 % above this.
SAME_THEME = 0.9
# Below that, down to this cosine, words or texts must agree as well.
_PERHAPS_SAME = 0.75
_SAME_WORDS = 0.3
_SAME_TEXTS = 0.5
# Share of a theme's texts that makes another theme its parent or its heir.
_MOST = 0.5

ACTIVE, CANDIDATE, RESTING, RETIRED, MERGED, REJECTED = (
    "active", "candidate", "resting", "retired", "merged", "rejected",
)  # fmt: skip

Flow = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Theme:
    """A registered theme. The name is the one given at birth until a person changes it; `centroid` is the newest.

    `parents` are the themes it was split off from, `missed` the fits since it was last met, `named_by` the person who
    named it, `examples` row ids of a few texts of a candidate, `merged_into` its heir.
    """

    theme_id: str
    name: str
    keywords: tuple[str, ...]
    centroid: tuple[float, ...]
    born_in: str
    last_seen_in: str
    words: tuple[str, ...] = ()
    state: str = ACTIVE
    parents: tuple[str, ...] = ()
    missed: int = 0
    named_by: str | None = None
    merged_into: str | None = None
    cause_id: str | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ThemeEvent:
    """What a refit or a person did to one theme.

    Kinds: `born`, `kept`, `split` (born out of `related`), `merged` (into `related`), `rested` (not met in this fit),
    `retired` (not met for several), `returned`, `candidate`, `confirmed`, `rejected`, `renamed`, `approved`. `share` is the
    share of the theme's texts that moved, 0 to 1; `at` an ISO instant; `by` the person; `detail` an old name.
    """

    topic_model_id: str
    kind: str
    theme_id: str
    cosine: float | None = None
    at: str | None = None
    by: str | None = None
    related: tuple[str, ...] = ()
    share: float | None = None
    detail: str | None = None


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

    def heir(self, theme_id: str) -> str:
        """The theme that stands for this one now: itself, or the one it was merged into."""
        theme = self.theme(theme_id)
        while theme.state == MERGED and theme.merged_into is not None:
            theme = self.theme(theme.merged_into)
        return theme.theme_id

    def with_theme(self, theme: Theme, *events: ThemeEvent) -> ThemeRegistry:
        """The registry with one theme added or replaced, and events appended."""
        known = {own.theme_id: own for own in self.themes} | {theme.theme_id: theme}
        return ThemeRegistry(tuple(known[name] for name in sorted(known)), self.events + events)

    def as_json(self) -> dict[str, Any]:
        """Plain data for the model store."""
        return {
            "themes": [_plain(theme, Theme) for theme in self.themes],
            "events": [_plain(event, ThemeEvent) for event in self.events],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> ThemeRegistry:
        """The registry as saved by `as_json`, now or by the version that knew neither states nor persons."""
        themes = tuple(Theme(**_tuples(row)) for row in data["themes"])
        events = tuple(
            ThemeEvent(*row) if isinstance(row, list) else ThemeEvent(**_tuples(row)) for row in data["events"]
        )
        return ThemeRegistry(themes, events)


def _plain(value: Any, kind: type) -> dict[str, Any]:
    row = {name: getattr(value, name) for name in kind.__slots__}  # type: ignore[attr-defined]
    return {name: list(own) if isinstance(own, tuple) else own for name, own in row.items()}


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(own) if isinstance(own, list) else own for name, own in row.items()}


@dataclass(frozen=True, slots=True)
class Refit:
    """What a fit brings to the registry: one row per topic, in order.

    `flow` counts texts that both models have seen, (themes of the registry, topics); None when there are none. `at` is the
    instant of the fit. A theme not met in `retire_after` fits is retired.
    """

    topics: Sequence[Topic]
    centroids: Vectors
    topic_model_id: str
    flow: Flow | None = None
    at: str | None = None
    retire_after: int = 3
    candidates: frozenset[int] = field(default_factory=frozenset)
    examples: dict[int, tuple[str, ...]] = field(default_factory=dict)


def register(
    registry: ThemeRegistry,
    topics: Sequence[Topic],
    centroids: Vectors,
    topic_model_id: str,
    **more: Any,
) -> tuple[ThemeRegistry, tuple[str, ...]]:
    """`registered` with the parts of a `Refit` as arguments."""
    return registered(registry, Refit(topics, centroids, topic_model_id, **more))


def registered(registry: ThemeRegistry, refit: Refit) -> tuple[ThemeRegistry, tuple[str, ...]]:
    """The registry after a refit, and the theme id of every topic in order.

    Themes and topics are matched one to one; a pair below the floors is no match and a theme is born. A topic that is the
    copy of another has its theme. A theme without a topic rests: it stays known and can be met again.
    """
    pairs = _matches(registry, refit)
    after, ids = registry, dict[int, str]()
    for topic in refit.topics:
        if topic.copy_of is None:
            after, ids[topic.topic_id] = _met(after, registry, refit, topic, pairs.get(topic.topic_id))
    final = tuple(ids[topic.topic_id if topic.copy_of is None else topic.copy_of] for topic in refit.topics)
    for place, theme in enumerate(registry.themes):
        if theme.theme_id not in final and theme.state not in (MERGED, REJECTED):
            after = _missed(after, theme, refit, None if refit.flow is None else refit.flow[place], final)
    return after, final


def _met(
    after: ThemeRegistry, before: ThemeRegistry, refit: Refit, topic: Topic, pair: tuple[int, float] | None
) -> tuple[ThemeRegistry, str]:
    centroid = refit.centroids[topic.topic_id]
    is_candidate = topic.topic_id in refit.candidates
    event = ThemeEvent(refit.topic_model_id, "kept", "", at=refit.at)
    if pair is None:
        theme_id = _new_id(centroid, {theme.theme_id: theme for theme in after.themes})
        parent, share = _parent(before, refit, topic.topic_id)
        theme = Theme(
            theme_id=theme_id,
            name=_own_name(topic, after),
            keywords=topic.keywords,
            centroid=_rounded(centroid),
            born_in=refit.topic_model_id,
            last_seen_in=refit.topic_model_id,
            words=topic.words,
            state=CANDIDATE if is_candidate else ACTIVE,
            parents=() if parent is None else (parent,),
            cause_id=topic.cause_id,
            examples=refit.examples.get(topic.topic_id, ()),
        )
        kind = "candidate" if is_candidate else "born" if parent is None else "split"
        event = replace(event, kind=kind, theme_id=theme_id, related=theme.parents, share=share)
        return after.with_theme(theme, event), theme_id
    theme = after.theme(before.heir(before.themes[pair[0]].theme_id))
    # Grown to the size of a topic, a candidate needs nobody to confirm it.
    grown = theme.state == CANDIDATE and not is_candidate
    away = theme.missed > 0 or theme.state in (RESTING, RETIRED)
    met = replace(
        theme,
        keywords=topic.keywords,
        words=topic.words,
        centroid=_rounded(centroid) if theme.theme_id == before.themes[pair[0]].theme_id else theme.centroid,
        last_seen_in=refit.topic_model_id,
        missed=0,
        state=CANDIDATE if theme.state == CANDIDATE and is_candidate else ACTIVE,
        cause_id=topic.cause_id or theme.cause_id,
    )
    kind = "confirmed" if grown else "returned" if away else "kept"
    return after.with_theme(met, replace(event, kind=kind, theme_id=theme.theme_id, cosine=pair[1])), theme.theme_id


def _missed(
    after: ThemeRegistry, theme: Theme, refit: Refit, went: NDArray[np.int64] | None, ids: tuple[str, ...]
) -> ThemeRegistry:
    """A theme no topic was matched to: its texts are in another theme now, or it rests, or it is retired."""
    event = ThemeEvent(refit.topic_model_id, "rested", theme.theme_id, at=refit.at)
    if theme.state == RETIRED:
        return after
    if went is not None and went.sum() and went.max() >= _MOST * went.sum():
        heir = ids[int(went.argmax())]
        share = round(float(went.max() / went.sum()), 4)
        gone = replace(theme, state=MERGED, merged_into=heir)
        return after.with_theme(gone, replace(event, kind="merged", related=(heir,), share=share))
    missed = theme.missed + 1
    if missed >= refit.retire_after:
        return after.with_theme(replace(theme, missed=missed, state=RETIRED), replace(event, kind="retired"))
    resting = replace(theme, missed=missed, state=theme.state if theme.state == CANDIDATE else RESTING)
    return after.with_theme(resting, event)


def _parent(before: ThemeRegistry, refit: Refit, topic: int) -> tuple[str | None, float | None]:
    """Theme most of a new topic's texts were in, and the share of that theme's texts that went with it."""
    if refit.flow is None or not refit.flow[:, topic].sum():
        return None, None
    came = refit.flow[:, topic]
    place = int(came.argmax())
    if came[place] < _MOST * came.sum():
        return None, None
    return before.heir(before.themes[place].theme_id), round(float(came[place] / refit.flow[place].sum()), 4)


def _own_name(topic: Topic, registry: ThemeRegistry) -> str:
    """The topic's name, told apart from living themes of the same name by its next keyword, then by a number."""
    taken = {theme.name for theme in registry.themes if theme.state not in (MERGED, REJECTED)}
    title = topic.name.split(": ")[0]
    more = [f"{title}: {term}" for term in topic.keywords if term.lower() not in topic.name.lower()]
    numbered = [f"{topic.name} ({number})" for number in range(2, len(taken) + 3)]
    return next(name for name in [topic.name, *more, *numbered] if name not in taken)


def _matches(registry: ThemeRegistry, refit: Refit) -> dict[int, tuple[int, float]]:
    """New topic -> (place of the old theme, cosine), for pairs that are the same theme."""
    from scipy.optimize import linear_sum_assignment

    rows = [topic.topic_id for topic in refit.topics if topic.copy_of is None]
    places = [place for place, theme in enumerate(registry.themes) if theme.state != REJECTED]
    if not rows or not places:
        return {}
    cosine = np.asarray(refit.centroids[rows] @ registry.centroids()[places].T, dtype=np.float64)
    words = np.array(
        [[_jaccard(refit.topics[row].words, registry.themes[place].words) for place in places] for row in rows]
    )
    texts = _text_overlap(refit.flow, rows, places)
    same = (cosine >= SAME_THEME) | ((cosine >= _PERHAPS_SAME) & ((words >= _SAME_WORDS) | (texts >= _SAME_TEXTS)))
    # Below the floors nothing is gained by a pairing, so it may not push a true pair aside.
    value = np.where(same, cosine + 0.5 * words + 0.5 * texts, 0.0)
    chosen, partners = linear_sum_assignment(-value)
    return {
        rows[row]: (places[column], round(float(cosine[row, column]), 4))
        for row, column in zip(chosen.tolist(), partners.tolist(), strict=True)
        if same[row, column]
    }


def _jaccard(left: Sequence[str], right: Sequence[str]) -> float:
    return len(set(left) & set(right)) / len({*left, *right}) if left and right else 0.0


def _text_overlap(flow: Flow | None, rows: list[int], places: list[int]) -> NDArray[np.float64]:
    """Shared texts over all texts of both, (topics, themes)."""
    if flow is None:
        return np.zeros((len(rows), len(places)))
    shared = flow[places][:, rows].T.astype(np.float64)
    union = flow[:, rows].sum(axis=0)[:, None] + flow[places].sum(axis=1)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1))


def _rounded(centroid: Vectors) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in centroid)


def _new_id(centroid: Vectors, known: dict[str, Theme]) -> str:
    """`T-` and eight hex digits of the centroid at birth; the next digest in the unlikely case that it is taken."""
    digest = hashlib.sha256(np.asarray(centroid, dtype="<f4").tobytes()).hexdigest()
    while f"T-{digest[:8]}" in known:
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return f"T-{digest[:8]}"
