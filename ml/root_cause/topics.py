"""What the texts are about: topics found on a sample, every other text assigned to the nearest one.

Belongs here: fitting, naming and assigning topics. Not here: identity across refits (`registry.py`) or the fixed
taxonomy (`classifier.py`).

Method: BERTopic (Grootendorst, arXiv 2203.05794) with PCA to 50 dimensions and k-means inside instead of UMAP and
HDBSCAN: the same coherence on our corpora, no text left over, and the same input gives the same topics (see
docs/ml.md for the figures). Assignment is by cosine to the topic's mean vector, before and after saving alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.text.embed import Vectors, as_unit
from ml.text.words import content_words, surface_forms

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TopicParams:
    """Sizes of a topic fit. `clusters` None lets the sample decide between the two bounds."""

    sample: int = 5_000
    min_texts: int = 60
    clusters: int | None = None
    min_clusters: int = 8
    max_clusters: int = 40
    components: int = 50
    keywords: int = 8
    seed: int = 20240101


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of a fit: a name a person can read, its words, and how many sample texts it had."""

    topic_id: int
    name: str
    keywords: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class TopicFit:
    """Topics with their unit centroids (topics, DIMENSIONS), and the topic of every sample text."""

    topics: tuple[Topic, ...]
    centroids: Vectors
    labels: Labels
    metrics: dict[str, float] = field(default_factory=dict)


def fit_topics(
    texts: Sequence[str],
    vectors: Vectors,
    params: TopicParams,
    *,
    start: Vectors | None = None,
    embed: Callable[[Sequence[str]], Vectors] | None = None,
) -> TopicFit:
    """Topics of a sample of distinct texts given in a stable order.

    `vectors` is (texts, DIMENSIONS). `start` holds the centroids of the fit before, so that themes keep their place.
    `embed` turns words into vectors for choosing names; without it names follow word weights alone. Raises ValueError
    when there are fewer than `min_texts` texts.
    """
    if len(texts) < params.min_texts:
        raise ValueError(f"{len(texts)} texts; topics need at least {params.min_texts}")
    reduced, project = _reduce(vectors, params)
    first = None if start is None else project(start)
    labels, silhouette = _cluster(reduced, params, first)
    words = [content_words(text) or "emptydoc" for text in texts]
    terms = _topic_terms(words, labels, params)
    centroids = _centroids(vectors, labels)
    chosen = choose_terms(terms, centroids, embed, keep=params.keywords)
    topics = tuple(
        _topic(number, chosen[number], [text for text, label in zip(texts, labels, strict=True) if label == number])
        for number in range(len(centroids))
    )
    metrics = {
        "topics": float(len(topics)),
        "texts": float(len(texts)),
        "silhouette": silhouette,
        "npmi": coherence(words, [topic.keywords for topic in topics]),
        "diversity": diversity([topic.keywords for topic in topics]),
        "smallest_topic_share": min(topic.size for topic in topics) / len(texts),
    }
    return TopicFit(topics, centroids, labels, metrics)


def assign(vectors: Vectors, centroids: Vectors) -> tuple[Labels, NDArray[np.float32]]:
    """Nearest topic and its cosine for every row of `vectors` (n, DIMENSIONS), in chunks of bounded memory."""
    labels = np.zeros(len(vectors), dtype=np.int64)
    nearness = np.zeros(len(vectors), dtype=np.float32)
    for begin in range(0, len(vectors), 16_384):
        cosine = as_unit(vectors[begin : begin + 16_384]) @ centroids.T
        labels[begin : begin + 16_384] = cosine.argmax(axis=1)
        nearness[begin : begin + 16_384] = cosine.max(axis=1)
    return labels, nearness


def _reduce(vectors: Vectors, params: TopicParams) -> tuple[NDArray[np.float64], Callable[[Vectors], Any]]:
    """Principal components of the unit vectors, and the function that projects other vectors the same way.

    By the covariance matrix: with many more texts than dimensions the same components for a tenth of the work.
    """
    from sklearn.decomposition import PCA

    components = min(params.components, *vectors.shape)
    model = PCA(n_components=components, svd_solver="covariance_eigh").fit(as_unit(vectors).astype(np.float64))

    def project(others: Vectors) -> Any:
        return model.transform(as_unit(others).astype(np.float64))

    return project(vectors), project


def _cluster(reduced: NDArray[np.float64], params: TopicParams, start: Any) -> tuple[Labels, float]:
    """Cluster labels numbered by size (largest first), and their silhouette on a sample of at most 1,500 texts."""
    count = params.clusters or choose_count(reduced, params)
    centres = None if start is None else start[:count] if len(start) >= count else _extended(reduced, start, count)
    labels = _kmeans(reduced, count, params.seed, centres)
    numbers, sizes = np.unique(labels, return_counts=True)
    order = sorted(range(len(numbers)), key=lambda place: (-sizes[place], numbers[place]))
    rank = {int(numbers[place]): new for new, place in enumerate(order)}
    renumbered = np.array([rank[int(label)] for label in labels], dtype=np.int64)
    return renumbered, _silhouette(reduced, renumbered)


def _kmeans(reduced: NDArray[np.float64], count: int, seed: int, centres: Any) -> Labels:
    from sklearn.cluster import KMeans

    if centres is not None:
        model = KMeans(n_clusters=len(centres), init=centres, n_init=1, random_state=seed)
    else:
        model = KMeans(n_clusters=count, n_init=4, random_state=seed)
    return np.asarray(model.fit_predict(reduced), dtype=np.int64)


def choose_count(reduced: NDArray[np.float64], params: TopicParams) -> int:
    """Number of topics between the bounds: the largest whose silhouette is within 5 % of the best one tried.

    Finer topics are the more useful ones to an owner, as long as they hold together as well.

    Tries a short geometric ladder on at most 1,500 texts spread evenly over the sample; at least about 25 texts are
    left for each topic.
    """
    sample = reduced[:: max(1, len(reduced) // 1_500)]
    upper = max(2, min(params.max_clusters, len(reduced) // 25))
    lower = min(params.min_clusters, upper)
    ladder = sorted({round(float(count)) for count in np.geomspace(lower, upper, num=5)})
    scores = [_silhouette(sample, _kmeans(sample, count, params.seed, None)) for count in ladder]
    best = max(scores)
    good = [count for count, score in zip(ladder, scores, strict=True) if score >= best - 0.05 * abs(best)]
    return int(max(good))


def _extended(reduced: NDArray[np.float64], start: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Old centres plus the texts farthest from all of them, one after the other, where a new topic may be born."""
    centres = list(start)
    distance = np.min([((reduced - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
    while len(centres) < count:
        centres.append(reduced[int(distance.argmax())])
        distance = np.minimum(distance, ((reduced - centres[-1]) ** 2).sum(axis=1))
    return np.asarray(centres)


def _silhouette(reduced: NDArray[np.float64], labels: Labels) -> float:
    from sklearn.metrics import silhouette_score

    step = max(1, len(reduced) // 1_500)
    sample, own = reduced[::step], labels[::step]
    if len(np.unique(own)) < 2 or len(np.unique(own)) >= len(own):
        return 0.0
    return float(silhouette_score(sample, own, metric="euclidean"))


def _centroids(vectors: Vectors, labels: Labels) -> Vectors:
    """Unit mean of the unit vectors of every topic, rounded so that a saved and a fresh model agree to the bit."""
    unit = as_unit(vectors)
    means = np.stack([unit[labels == number].mean(axis=0) for number in range(int(labels.max()) + 1)])
    return np.round(as_unit(means), 6).astype(np.float32)


def _topic_terms(words: Sequence[str], labels: Labels, params: TopicParams) -> dict[int, list[tuple[str, float]]]:
    """Weighted terms of every topic by BERTopic's class-based TF-IDF, heaviest first."""
    # Eight to eleven CPU-seconds of import: only a fit needs it.
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction
    from bertopic.vectorizers import ClassTfidfTransformer

    model = BERTopic(
        # "multilingual" keeps umlauts and accents: our own cleaning is already done.
        language="multilingual",
        embedding_model=BaseEmbedder(),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
        vectorizer_model=_vectoriser(words),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
        top_n_words=40,
        calculate_probabilities=False,
    )
    placeholder = np.zeros((len(words), 2), dtype=np.float32)
    found = np.asarray(model.fit_transform(list(words), embeddings=placeholder, y=labels)[0], dtype=np.int64)
    own = {int(theirs): int(ours) for theirs, ours in zip(found, labels, strict=True)}
    return {
        own[int(number)]: [(str(word), float(weight)) for word, weight in pairs if word and weight > 0]
        for number, pairs in model.get_topics().items()
    }


def _vectoriser(words: Sequence[str]) -> Any:
    """Count vectoriser over a vocabulary chosen by DOCUMENT frequency.

    BERTopic joins the texts of a topic, so its own `min_df` would count topics; a vocabulary made on the texts as
    they are passed in has no word that never occurs.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    pattern = r"(?u)\b\w\w+\b"
    rarest = max(3, len(words) // 400)
    counted = CountVectorizer(ngram_range=(1, 3), token_pattern=pattern, min_df=rarest, max_df=0.4, max_features=20_000)
    try:
        vocabulary = sorted(counted.fit(words).vocabulary_)
    except ValueError:
        # A tiny or very uniform corpus: every word is either rare or common.
        vocabulary = sorted(CountVectorizer(token_pattern=pattern).fit(words).vocabulary_)
    return CountVectorizer(ngram_range=(1, 3), token_pattern=pattern, vocabulary=vocabulary)


def choose_terms(
    terms: dict[int, list[tuple[str, float]]],
    centroids: Vectors,
    embed: Callable[[Sequence[str]], Vectors] | None,
    *,
    keep: int,
) -> dict[int, list[str]]:
    """Best terms of every topic: heavy, close in meaning to the topic, and not saying the same thing twice."""
    candidates = {number: terms.get(number, [])[:30] for number in range(len(centroids))}
    words = sorted({word for pairs in candidates.values() for word, _ in pairs})
    nearness: dict[int, dict[str, float]] = {number: {} for number in candidates}
    if embed is not None and words:
        cosine = as_unit(embed(words)) @ centroids.T
        place = {word: index for index, word in enumerate(words)}
        # What counts is being nearer to this topic than to topics in general.
        lift = cosine - cosine.mean(axis=1, keepdims=True)
        nearness = {
            number: {word: float(cosine[place[word], number] + lift[place[word], number]) for word, _ in pairs}
            for number, pairs in candidates.items()
        }
    ranked = {number: _ranked(pairs, nearness[number], keep) for number, pairs in candidates.items()}
    return _led_differently(ranked)


def _led_differently(ranked: dict[int, list[str]]) -> dict[int, list[str]]:
    """No two topics start with the same words: the smaller one puts its next own term first."""
    leads: set[str] = set()
    result: dict[int, list[str]] = {}
    for number, terms in sorted(ranked.items()):
        own = [term for term in terms if term not in leads]
        result[number] = own + [term for term in terms if term in leads]
        leads.update(result[number][:2])
    return result


def _ranked(pairs: list[tuple[str, float]], nearness: dict[str, float], keep: int) -> list[str]:
    top = max((weight for _, weight in pairs), default=1.0)
    # Two words say more than one, so a pair may weigh a little less; three are often the middle of a sentence.
    bonus = {0: 0.0, 1: 0.3, 2: 0.1}
    score = {word: weight / top + nearness.get(word, 0.0) + bonus[word.count(" ")] for word, weight in pairs}
    chosen: list[str] = []
    for word in sorted(score, key=lambda word: (-score[word], word)):
        if not _repeats(word, chosen):
            chosen.append(word)
        if len(chosen) == keep:
            break
    return chosen


def _repeats(word: str, chosen: Sequence[str]) -> bool:
    """Whether a term only repeats words (or their plurals) of terms already chosen."""
    seen = {_stem(part) for term in chosen for part in term.split(" ")}
    parts = [_stem(part) for part in word.split(" ")]
    return all(part in seen for part in parts) or len(set(parts)) < len(parts)


def _stem(word: str) -> str:
    return word[:5] if len(word) > 5 else word.rstrip("s")


def _topic(number: int, terms: list[str], texts: Sequence[str]) -> Topic:
    forms = surface_forms(texts[:2_000], terms)
    written = [forms[term] for term in terms]
    return Topic(number, topic_name(written), tuple(written), len(texts))


def topic_name(terms: Sequence[str], *, longest: int = 60) -> str:
    """A readable name of up to three terms that share no word: `Overdraft fees, charged twice`."""
    if not terms:
        return "Texts without common words"
    used: set[str] = set()
    chosen: list[str] = []
    for term in terms:
        stems = {_stem(word) for word in content_words(term).split(" ")}
        if not stems & used and len(", ".join([*chosen, term])) <= longest:
            chosen.append(term)
            used |= stems
        if len(chosen) == 3:
            break
    name = ", ".join(chosen or [terms[0]])
    return name[:1].upper() + name[1:]


def coherence(words: Sequence[str], keywords: Sequence[Sequence[str]]) -> float:
    """Mean NPMI of the single words of each topic's keywords over document co-occurrence (Bouma 2009); 0 if unknown."""
    documents = [set(text.split(" ")) for text in words]
    total = len(documents)
    scores: list[float] = []
    for terms in keywords:
        single = list(dict.fromkeys(part for term in terms for part in content_words(term).split(" ") if part))[:10]
        holds = {word: {place for place, document in enumerate(documents) if word in document} for word in single}
        for left in range(len(single)):
            for right in range(left + 1, len(single)):
                scores.append(_npmi(holds[single[left]], holds[single[right]], total))
    return float(np.mean(scores)) if scores else 0.0


def _npmi(left: set[int], right: set[int], total: int) -> float:
    both = len(left & right)
    if both == 0 or both == total:
        return -1.0 if both == 0 else 1.0
    joint = both / total
    return float(np.log(joint * total * total / (len(left) * len(right))) / -np.log(joint))


def diversity(keywords: Sequence[Sequence[str]]) -> float:
    """Share of different terms among all keywords (Dieng, Ruiz and Blei 2020)."""
    flat = [term for terms in keywords for term in terms]
    return len(set(flat)) / len(flat) if flat else 0.0
