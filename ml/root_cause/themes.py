"""A saved topic fit with its theme ids: what assigning and naming need, as plain files.

Belongs here: fitting topics against the registry, and the files of the result. Not here: the fit itself (`topics.py`),
the matching (`registry.py`) or whether a fit comes into force (`theme_review.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ml.root_cause.candidates import CandidateParams, Dated, find_groups
from ml.root_cause.naming import Guide, describe
from ml.root_cause.registry import MERGED, REJECTED, Flow, Refit, ThemeRegistry, registered
from ml.root_cause.topics import Topic, TopicFit, TopicParams, assign, fit_topics
from ml.store import StoredModel, dump_array, dump_json
from ml.text.embed import Vectors, text_key
from ml.text.terms import count_terms

# Part of the model id: raise it when the same texts and parameters would give other topics.
CODE_VERSION = 2


@dataclass(frozen=True, slots=True)
class ThemeChange:
    """How a refit differs from the model before it, on the texts of the sample.

    `moved` is the share of texts whose theme is another now; `born` and `gone` count themes, `before` the themes there
    were.
    """

    texts: int
    moved: float
    born: int
    gone: int
    before: int

    def is_large(self, params: TopicParams) -> bool:
        """Whether a person should look first."""
        most = params.review_changed_share * self.before
        return self.moved > params.review_moved_share or self.born > most or self.gone > most


@dataclass(frozen=True, slots=True)
class ThemeModel:
    """Topics with unit centroids (topics, DIMENSIONS), the theme of each, and the registry after this fit.

    `topic_model_id` changes when texts may get another topic. `version` is the id in the store and changes with every
    decision of a person as well. `change` is None for a first fit.
    """

    topic_model_id: str
    topics: tuple[Topic, ...]
    theme_ids: tuple[str, ...]
    centroids: Vectors
    registry: ThemeRegistry
    version: str = ""
    change: ThemeChange | None = None

    def files(self) -> dict[str, bytes]:
        """The model as files for the store: JSON and one plain array. No text of a customer is in them."""
        topics = [
            {**asdict(topic), "keywords": list(topic.keywords), "words": list(topic.words), "theme_id": theme_id}
            for topic, theme_id in zip(self.topics, self.theme_ids, strict=True)
        ]
        about = {
            "topic_model_id": self.topic_model_id,
            "code_version": CODE_VERSION,
            "change": None if self.change is None else asdict(self.change),
        }
        return {
            "about.json": dump_json(about),
            "topics.json": dump_json(topics),
            "centroids.npy": dump_array(self.centroids),
            "registry.json": dump_json(self.registry.as_json()),
        }

    def sizes(self) -> dict[str, int]:
        """Sample texts of every theme that has a topic."""
        sizes: dict[str, int] = {}
        for topic, theme_id in zip(self.topics, self.theme_ids, strict=True):
            sizes[theme_id] = sizes.get(theme_id, 0) + topic.size
        return sizes


def load_theme_model(stored: StoredModel) -> ThemeModel:
    """The theme model of a checked stored model, of this version or an older one."""
    rows: list[dict[str, Any]] = stored.json("topics.json")
    about = stored.json("about.json") if "about.json" in stored.files else {}
    change = about.get("change")
    return ThemeModel(
        topic_model_id=about.get("topic_model_id", stored.model_id),
        topics=tuple(
            Topic(
                row["topic_id"],
                row["name"],
                tuple(row["keywords"]),
                row["size"],
                tuple(row.get("words", ())),
                row.get("cause_id"),
                row.get("copy_of"),
            )
            for row in rows
        ),
        theme_ids=tuple(row["theme_id"] for row in rows),
        centroids=np.asarray(stored.array("centroids.npy"), dtype=np.float32),
        registry=ThemeRegistry.from_json(stored.json("registry.json")),
        version=stored.model_id,
        change=None if change is None else ThemeChange(**change),
    )


def fit_themes(
    texts: Sequence[str],
    vectors: Vectors,
    params: TopicParams,
    *,
    registry: ThemeRegistry,
    embed: Callable[[Sequence[str]], Vectors] | None = None,
    previous: ThemeModel | None = None,
    guide: Guide | None = None,
    causes: Sequence[str | None] | None = None,
    dated: Dated | None = None,
    at: str | None = None,
) -> tuple[ThemeModel, TopicFit]:
    """Topics of distinct texts, started from the themes seen last and matched to the registry.

    `previous` is the model in force: texts are followed from its themes to the new ones, which tells splits, merges and
    the share that moved. `guide` and `causes` (as coded by people, one per text) give names. `dated` are texts of the newest
    weeks and of before (any number of each) in which rare, new problems are looked for. `at` is the ISO instant of the
    fit. Raises ValueError when there are too few texts.
    """
    fit = fit_topics(texts, vectors, params, start=_start(registry, previous), embed=embed, guide=guide, causes=causes)
    groups = _candidates(fit, dated, registry)
    topic_model_id = _model_id(texts, params, registry)
    topics = (*fit.topics, *(topic for topic, _, _ in groups))
    centroids = np.vstack([fit.centroids, *(centroid[None, :] for _, centroid, _ in groups)]).astype(np.float32)
    flow = None if previous is None else _flow(registry, previous, vectors, fit.labels, len(topics))
    after, theme_ids = registered(
        registry,
        Refit(
            topics,
            centroids,
            topic_model_id,
            flow,
            at,
            candidates=frozenset(topic.topic_id for topic, _, _ in groups),
            examples={topic.topic_id: rows for topic, _, rows in groups},
        ),
    )
    change = None if flow is None else _change(registry, after, flow, theme_ids, topic_model_id)
    model = ThemeModel(topic_model_id, topics, theme_ids, centroids, after, topic_model_id, change)
    return model, fit


def _start(registry: ThemeRegistry, previous: ThemeModel | None) -> Vectors | None:
    """Centroids of the topics seen last: the model's own, else the registry's newest. Candidates start nothing."""
    if previous is not None:
        rows = [
            topic.topic_id
            for topic, theme_id in zip(previous.topics, previous.theme_ids, strict=True)
            if topic.copy_of is None and registry.theme(theme_id).state != "candidate"
        ]
        return previous.centroids[rows]
    newest = max((event.topic_model_id for event in registry.events[-1:]), default=None)
    seen = [place for place, theme in enumerate(registry.themes) if theme.last_seen_in == newest]
    return registry.centroids()[seen] if seen else None


def _flow(registry: ThemeRegistry, previous: ThemeModel, vectors: Vectors, labels: Any, topics: int) -> Flow:
    """Texts by the theme they are in under the model in force and the topic they are in now, (themes, topics)."""
    place = {theme.theme_id: number for number, theme in enumerate(registry.themes)}
    before = np.array([place[theme_id] for theme_id in previous.theme_ids])[assign(vectors, previous.centroids)[0]]
    flow = np.zeros((len(registry.themes), topics), dtype=np.int64)
    np.add.at(flow, (before, labels), 1)
    return flow


def _change(
    before: ThemeRegistry, after: ThemeRegistry, flow: Flow, theme_ids: Sequence[str], topic_model_id: str
) -> ThemeChange:
    old = np.array([before.heir(theme.theme_id) for theme in before.themes])
    stayed = int(flow[old[:, None] == np.array(theme_ids)[None, :]].sum())
    kinds = [event.kind for event in after.events if event.topic_model_id == topic_model_id]
    return ThemeChange(
        texts=int(flow.sum()),
        moved=round(1 - stayed / max(int(flow.sum()), 1), 4),
        born=sum(kind in ("born", "split") for kind in kinds),
        gone=sum(kind in ("rested", "merged", "retired") for kind in kinds),
        before=sum(theme.missed == 0 and theme.state not in (MERGED, REJECTED) for theme in before.themes),
    )


def _candidates(
    fit: TopicFit, dated: Dated | None, registry: ThemeRegistry, params: CandidateParams | None = None
) -> list[tuple[Topic, Vectors, tuple[str, ...]]]:
    """Candidate topics, numbered after those of the fit, with centroid and up to ten example rows; no rejected ones."""
    if dated is None:
        return []
    refused = [theme.centroid for theme in registry.themes if theme.state == REJECTED]
    groups = [
        group
        for group in find_groups(dated, fit.centroids, params)
        if not refused or float((np.array(refused) @ group.centroid).max()) < 0.9
    ]
    if not groups:
        return []
    labels = np.zeros(len(dated.texts), dtype=np.int64)
    for number, group in enumerate(groups, start=1):
        labels[group.rows] = number
    # A rare group's words are rare: a word of three texts counts.
    table = count_terms(dated.texts, rarest=3)
    described = describe(dated.texts, table, labels, keep=8)[1:]
    return [
        (
            Topic(len(fit.topics) + place, said.name, said.keywords, len(group.rows), said.words),
            np.round(group.centroid, 6).astype(np.float32),
            tuple(dated.row_ids[row] for row in group.rows[:10].tolist()),
        )
        for place, (group, said) in enumerate(zip(groups, described, strict=True))
    ]


def _model_id(texts: Sequence[str], params: TopicParams, registry: ThemeRegistry) -> str:
    """Hash of what the fit is a function of: code version, parameters, texts, and the themes it started from."""
    content = hashlib.sha256(repr((CODE_VERSION, sorted(asdict(params).items()))).encode())
    for text in sorted(texts):
        content.update(text_key(text).encode())
    content.update(dump_json(registry.as_json()))
    return f"topics-{content.hexdigest()[:12]}"


def with_version(model: ThemeModel, registry: ThemeRegistry, **changes: Any) -> ThemeModel:
    """The model after a person's decision: another registry and version, the same topics unless `changes` says so."""
    digest = hashlib.sha256(model.version.encode() + dump_json(registry.as_json())).hexdigest()[:12]
    return replace(model, registry=registry, version=f"topics-{digest}", **changes)
