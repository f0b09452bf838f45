"""What the texts are about: topics found on a sample, every other text assigned to the nearest one.

Belongs here: fitting and assigning topics. Not here: how groups are found (`cluster.py`), what they are called
(`naming.py`), identity across refits (`registry.py`) or the fixed taxonomy (`classifier.py`).

Method: BERTopic (Grootendorst, arXiv 2203.05794) with principal components and a consensus of Ward trees inside instead
of UMAP and HDBSCAN: no text left over, and the same texts in any order give the same topics (docs/themes.md has
the figures). Assignment is by cosine to the topic's mean vector, before and after saving alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.cluster import (
    Labels,
    Points,
    choose_count,
    cluster,
    grown,
    in_one_thread,
    silhouette,
    space_of,
    ward_trees,
)
from ml.root_cause.coherence import diversity, npmi_of
from ml.root_cause.languages import copies_of, main_language, named_by_language, with_other_languages
from ml.root_cause.naming import Described, Guide, describe
from ml.text.embed import Vectors, as_unit
from ml.text.terms import TermTable, count_terms


@dataclass(frozen=True, slots=True)
class TopicParams:
    """Sizes of a topic fit. `clusters` None lets the sample decide between the two bounds."""

    sample: int = 5_000
    min_texts: int = 60
    clusters: int | None = None
    min_clusters: int = 8
    max_clusters: int = 40
    components: int = 25
    keywords: int = 8
    # A group smaller than this share of the sample (and than five texts) is no topic of a refit.
    smallest_share: float = 0.004
    # Kept for configurations of old; nothing is drawn by chance any more.
    seed: int = 20240101
    # A refit beyond either waits for a person: texts that change theme, themes born or gone, as shares.
    review_moved_share: float = 0.3
    review_changed_share: float = 0.34


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of a fit: a name a person can read, its terms, how many sample texts it had, the cause it is about."""

    topic_id: int
    name: str
    keywords: tuple[str, ...]
    size: int
    words: tuple[str, ...] = ()
    cause_id: str | None = None
    # Topic that is the same theme in the corpus' main language.
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class TopicFit:
    """Topics with their unit centroids (topics, DIMENSIONS), and the topic of every sample text."""

    topics: tuple[Topic, ...]
    centroids: Vectors
    labels: Labels
    metrics: dict[str, float] = field(default_factory=dict)
    table: TermTable | None = None


def fit_topics(
    texts: Sequence[str],
    vectors: Vectors,
    params: TopicParams,
    *,
    start: Vectors | None = None,
    embed: Callable[[Sequence[str]], Vectors] | None = None,
    guide: Guide | None = None,
    causes: Sequence[str | None] | None = None,
) -> TopicFit:
    """Topics of a sample of distinct texts; their order does not matter.

    `vectors` is (texts, DIMENSIONS). `start` holds the centroids of the fit before, so that themes keep their place.
    `guide` and `causes` (coded by people, one per text, None for not coded) give names in the programme's words. `embed`
    is accepted for callers of old and not needed. Raises ValueError when there are fewer than `min_texts` texts.
    """
    if len(texts) < params.min_texts:
        raise ValueError(f"{len(texts)} texts; topics need at least {params.min_texts}")
    order = sorted(range(len(texts)), key=texts.__getitem__)
    back = np.argsort(order)
    ordered = [texts[place] for place in order]
    coded = None if causes is None else [causes[place] for place in order]
    with in_one_thread():
        fit = _fit(ordered, as_unit(vectors)[order], params, start, guide, coded)
    table = None if fit.table is None else fit.table.take(back)
    return TopicFit(fit.topics, fit.centroids, fit.labels[back], fit.metrics, table)


def _fit(
    texts: Sequence[str],
    unit: Vectors,
    params: TopicParams,
    start: Vectors | None,
    guide: Guide | None,
    causes: Sequence[str | None] | None,
) -> TopicFit:
    table = count_terms(texts)
    own = main_language(table.language)
    space = space_of(unit[own], params.components)
    points = space.place(unit)
    labels = np.full(len(texts), -1, dtype=np.int64)
    labels[own] = _by_size(_groups(points[own], params, None if start is None else space.project(start)))
    said = guide.said(texts) if guide is not None else None
    labels, known = with_other_languages(labels, unit, table.language, guide, said, causes)
    described = describe(texts, table, labels, keep=params.keywords, guide=guide, causes=causes, said=said, known=known)
    described = named_by_language(described, table.language, labels)
    copies = copies_of(described, table.language, labels)
    sizes = np.bincount(labels)
    topics = tuple(
        Topic(
            number,
            described[copies.get(number, number)].name,
            told.keywords,
            int(sizes[number]),
            told.words,
            told.cause_id,
            copies.get(number),
        )
        for number, told in enumerate(described)
    )
    metrics = _metrics(described, table, labels, points)
    return TopicFit(topics, _centroids(unit, labels), labels, metrics, table)


def _groups(points: Points, params: TopicParams, start: Points | None) -> Labels:
    smallest = max(5, round(params.smallest_share * len(points)))
    if start is not None and len(start):
        return grown(points, start, params.clusters or params.max_clusters, smallest)[0]
    trees = ward_trees(points)
    upper = max(2, min(params.max_clusters, len(points) // 35))
    count = params.clusters or choose_count(trees, points, min(params.min_clusters, upper), upper)
    return cluster(points, count, trees, smallest=smallest)


def _by_size(labels: Labels) -> Labels:
    """Labels numbered by size, largest first, without gaps."""
    numbers, sizes = np.unique(labels, return_counts=True)
    rank = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
    rank[numbers[np.lexsort((numbers, -sizes))]] = np.arange(len(numbers))
    return rank[labels]


def _centroids(unit: Vectors, labels: Labels) -> Vectors:
    """Unit mean of the unit vectors of every topic, rounded so that a saved and a fresh model agree to the bit."""
    means = np.stack([unit[labels == number].mean(axis=0) for number in range(int(labels.max()) + 1)])
    return np.round(as_unit(means), 6).astype(np.float32)


def _metrics(described: Sequence[Described], table: TermTable, labels: Labels, points: Points) -> dict[str, float]:
    place = {term: number for number, term in enumerate(table.terms)}
    words = [said.words for said in described]
    sizes = np.bincount(labels)
    step = max(1, len(points) // 1_500)
    return {
        "topics": float(len(described)),
        "texts": float(len(labels)),
        "silhouette": silhouette(points[::step], _by_size(labels[::step])),
        "npmi": npmi_of(table.presence, [[place[word] for word in own] for own in words]),
        "diversity": diversity(words),
        "smallest_topic_share": float(sizes.min() / len(labels)),
        "topics_of_a_cause": float(sum(said.cause_id is not None for said in described)),
    }


def assign(vectors: Vectors, centroids: Vectors) -> tuple[Labels, NDArray[np.float32]]:
    """Nearest topic and its cosine for every row of `vectors` (n, DIMENSIONS), in chunks of bounded memory."""
    labels = np.zeros(len(vectors), dtype=np.int64)
    nearness = np.zeros(len(vectors), dtype=np.float32)
    for begin in range(0, len(vectors), 4_096):
        rows = slice(begin, begin + 4_096)
        some = np.asarray(vectors[rows], dtype=np.float32)
        # Of one text all cosines are divided by the same length: only the largest needs to be.
        product = some @ centroids.T
        length = np.sqrt(np.einsum("ij,ij->i", some, some))
        labels[rows] = product.argmax(axis=1)
        nearness[rows] = product[np.arange(len(product)), labels[rows]] / np.maximum(length, np.float32(1e-12))
    return labels, nearness
