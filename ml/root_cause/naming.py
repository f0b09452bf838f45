"""What a topic is called: words its texts share, put the way a person would, under the programme's own causes.

Belongs here: weighing terms, choosing keywords, writing names. Not here: which text is in which topic (`cluster.py`)
or names people gave, which nothing here overwrites (`registry.py`).

Method: BERTopic's class-based TF-IDF (Grootendorst, arXiv 2203.05794) proposes the terms of a topic; they are ordered
by the share of the topic's texts that have the term times the logarithm of how much larger that is than elsewhere, and a
term leads the topics it says most about. On BBC_News this gives more coherent and more varied words than c-TF-IDF
alone (docs/themes.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.text.terms import TermTable
from ml.text.words import LANGUAGES, content_words, words_of
from models.taxonomy import Taxonomy, phrase_pattern

Weights = NDArray[np.float64]

# A term belongs to the topics where it weighs at least this share of what it weighs where it says most.
_OWN = 0.4
_PROPOSED = 80
# A topic is about a cause when this share of what is known about its texts says so.
_CLEAR = 0.5
# Of coded texts a smaller share will do, when it is this many times the next cause's: codes are surer than phrases.
_CLEAR_CODED, _AHEAD = 0.35, 1.5
# Two causes name a topic together when they make up most of it and neither is a small part.
_MOST_OF_BOTH, _LEAST_OF_BOTH = 0.65, 0.25
# Coded texts that are enough to speak for a topic; below, the words decide.
_ENOUGH_CODED = 5
# A topic is named in the corpus' main language when this share of its texts is in it: its readers speak that.
_READABLE = 0.25
_PAIR_BONUS = 1.25


@dataclass(frozen=True, slots=True)
class Guide:
    """The programme's causes as naming uses them: (id, title, RE2 pattern of its phrases or None)."""

    causes: tuple[tuple[str, str, str | None], ...] = ()

    @staticmethod
    def of(taxonomy: Taxonomy) -> Guide:
        """The guide of a taxonomy."""
        return Guide(
            tuple(
                (cause.id, cause.title, phrase_pattern(cause.keywords) if cause.keywords else None)
                for cause in taxonomy.causes
            )
        )

    def said(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether a text has a phrase of a cause, (texts, causes)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        lowered = pa.array([text[:4_000].lower() for text in texts], type=pa.string())
        nothing = np.zeros(len(texts), dtype=bool)
        columns = [
            nothing if pattern is None else pc.match_substring_regex(lowered, pattern).to_numpy(zero_copy_only=False)
            for _, _, pattern in self.causes
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((len(texts), 0), dtype=bool)


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of one topic: `words` are its ten best single words, `keywords` terms as people write them."""

    name: str
    keywords: tuple[str, ...]
    words: tuple[str, ...]
    cause_id: str | None


def weigh(table: TermTable, labels: NDArray[np.int64]) -> Weights:
    """Weight (topics, terms) of every proposed term, 0 for others."""
    share, overall = _shares(table, labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(share > 0, share * np.log(share / overall), 0.0)
    weight = np.where(_proposed(table, labels), weight, 0.0).clip(0)
    return np.where(weight >= _OWN * weight.max(axis=0, initial=0.0), weight, 0.0)


def _shares(table: TermTable, labels: NDArray[np.int64]) -> tuple[Weights, Weights]:
    """Share of each topic's texts with each term, and of all texts."""
    counts, sizes = _counts(table, labels)
    return counts / sizes[:, None], np.maximum(counts.sum(axis=0), 1) / len(labels)


def _counts(table: TermTable, labels: NDArray[np.int64]) -> tuple[Weights, Weights]:
    from scipy.sparse import csr_matrix

    topics = int(labels.max()) + 1
    member = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(topics, len(labels)))
    return np.asarray((member @ table.presence).todense()), np.maximum(np.bincount(labels, minlength=topics), 1)


def _proposed(table: TermTable, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Terms (topics, terms) that BERTopic's c-TF-IDF puts among the first of a topic, words and pairs apart."""
    # Eight to eleven CPU-seconds of import: only a fit needs it.
    from bertopic.vectorizers import ClassTfidfTransformer
    from scipy.sparse import csr_matrix

    counts, _ = _counts(table, labels)
    if len(table.terms) <= _PROPOSED:
        return np.asarray(counts > 0)
    weight = ClassTfidfTransformer(reduce_frequent_words=True).fit_transform(csr_matrix(counts)).toarray()
    proposed = np.zeros(weight.shape, dtype=bool)
    for kind in (np.flatnonzero(table.is_pair), np.flatnonzero(~table.is_pair)):
        if len(kind) <= _PROPOSED:
            proposed[:, kind] = True
            continue
        first = np.argpartition(-weight[:, kind], _PROPOSED, axis=1)[:, :_PROPOSED]
        np.put_along_axis(proposed, kind[first], True, axis=1)
    return proposed & (counts > 0)


def describe(
    texts: Sequence[str],
    table: TermTable,
    labels: NDArray[np.int64],
    *,
    keep: int,
    guide: Guide | None = None,
    causes: Sequence[str | None] | None = None,
    said: NDArray[np.bool_] | None = None,
    known: Mapping[int, str] | None = None,
) -> list[Described]:
    """Name, keywords and words of every topic, in order; no two names are the same.

    `causes` are causes people coded or a model gave, one per text, None where unknown. A topic that is clearly about one
    cause of the guide is named by its title, one that is about two by both, and where several are, by what tells each
    from the others. `said` is
    `guide.said(texts)` where it is at hand, `known` the cause of topics that were made by cause.
    """
    weight = weigh(table, labels)
    found = topic_causes(texts, labels, guide, causes, said)
    about = [(known or {}).get(topic, cause) for topic, cause in enumerate(found)]
    readable = _readable(table, labels)
    words = [_best(weight[topic], ~table.is_pair, table.terms, 10) for topic in range(len(weight))]
    ranked = [_ranked(weight[topic], readable[topic], table, keep) for topic in range(len(weight))]
    told = _told_apart(table, labels, about, weight, readable)
    forms = table.written(sorted({term for terms in [*ranked, *told.values()] for term in terms}))
    titles = {cause_id: title for cause_id, title, _ in guide.causes} if guide else {}
    pairs = topic_pairs(labels, guide, causes, about)
    names = _names(ranked, about, told, forms, titles, pairs)
    return [
        Described(name, tuple(forms.get(term, term) for term in ranked[topic]), tuple(words[topic]), about[topic])
        for topic, name in enumerate(names)
    ]


def topic_causes(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    guide: Guide | None,
    causes: Sequence[str | None] | None,
    said: NDArray[np.bool_] | None = None,
) -> list[str | None]:
    """Cause each topic is clearly about: of the texts people coded if there are enough, else by the cause's phrases."""
    topics = int(labels.max()) + 1
    if guide is None or not guide.causes:
        return [None] * topics
    said = guide.said(texts) if said is None else said
    usual = said.mean(axis=0)
    known = {cause_id: place for place, (cause_id, _, _) in enumerate(guide.causes)}
    coded = np.array([known.get(cause or "", -1) for cause in causes]) if causes is not None else None
    return [_cause_of(np.flatnonzero(labels == topic), said, usual, coded, guide) for topic in range(topics)]


def _cause_of(
    rows: NDArray[np.int64], said: NDArray[np.bool_], usual: Weights, coded: NDArray[np.int64] | None, guide: Guide
) -> str | None:
    if coded is not None:
        own = coded[rows][coded[rows] >= 0]
        if len(own) >= max(_ENOUGH_CODED, len(rows) // 20):
            counts = np.bincount(own, minlength=len(guide.causes))
            first, second = _two_largest(counts)
            clear = counts[first] >= _CLEAR_CODED * len(own) and counts[first] >= _AHEAD * counts[second]
            return guide.causes[first][0] if clear else None
    share = said[rows].mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        telling = np.where(share > usual, share * np.log(share / usual), 0.0)
    best = int(telling.argmax())
    next_best = float(np.partition(telling, -2)[-2]) if len(telling) > 1 else 0.0
    clear = share[best] >= _CLEAR and telling[best] > 1.5 * next_best
    return guide.causes[best][0] if clear else None


def _two_largest(counts: NDArray[np.int64]) -> tuple[int, int]:
    order = np.argsort(-counts, kind="stable")
    return int(order[0]), int(order[min(1, len(order) - 1)])


def topic_pairs(
    labels: NDArray[np.int64], guide: Guide | None, causes: Sequence[str | None] | None, about: Sequence[str | None]
) -> dict[int, str]:
    """Titles of the two causes that together make up most of a topic which is clearly about neither alone."""
    if guide is None or causes is None or len(guide.causes) < 2:
        return {}
    known = {cause_id: place for place, (cause_id, _, _) in enumerate(guide.causes)}
    coded = np.array([known.get(cause or "", -1) for cause in causes])
    pairs: dict[int, str] = {}
    for topic in (topic for topic, cause in enumerate(about) if cause is None):
        own = coded[(labels == topic) & (coded >= 0)]
        if len(own) < _ENOUGH_CODED:
            continue
        counts = np.bincount(own, minlength=len(guide.causes))
        first, second = _two_largest(counts)
        both = counts[first] + counts[second] >= _MOST_OF_BOTH * len(own)
        if both and counts[second] >= _LEAST_OF_BOTH * len(own):
            pairs[topic] = f"{guide.causes[first][1]} / {guide.causes[second][1]}"
    return pairs


def _readable(table: TermTable, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Terms (topics, terms) in the language a topic is named in: the main one where enough of its texts are in it."""
    topics = int(labels.max()) + 1
    known = table.language >= 0
    if not known.any():
        return np.ones((topics, len(table.terms)), dtype=bool)
    spoken = np.zeros((len(labels), len(LANGUAGES)))
    spoken[known, table.language[known]] = 1.0
    used = np.asarray(table.presence.T @ spoken)
    # A name or a loan word is in every language; a word belongs to one where it is mostly met, for how much is written.
    relative = used / np.maximum(spoken.sum(axis=0), 1)
    belongs = relative >= 0.5 * relative.max(axis=1, keepdims=True)
    main = int(spoken.sum(axis=0).argmax())
    chosen = []
    for topic in range(topics):
        counts = spoken[labels == topic].sum(axis=0)
        chosen.append(main if counts[main] >= _READABLE * max(counts.sum(), 1) else int(counts.argmax()))
    return np.asarray(belongs[:, chosen].T)


def _best(weight: Weights, allowed: NDArray[np.bool_], terms: Sequence[str], keep: int) -> list[str]:
    order = np.lexsort((np.arange(len(weight)), -np.where(allowed, weight, 0.0)))[:keep]
    return [terms[place] for place in order if allowed[place] and weight[place] > 0]


def _ranked(weight: Weights, readable: NDArray[np.bool_], table: TermTable, keep: int) -> list[str]:
    """Terms of a topic, best first, none of which only repeats others; other languages only where nothing else is."""
    # Two words say more than one, so a pair may be a little rarer.
    score = weight * np.where(table.is_pair, _PAIR_BONUS, 1.0)
    for allowed in (readable, np.ones_like(readable)):
        order = np.lexsort((np.arange(len(score)), -np.where(allowed, score, 0.0)))[: 6 * keep]
        chosen: list[str] = []
        for place in order:
            if allowed[place] and score[place] > 0 and not repeats(table.terms[place], chosen):
                chosen.append(table.terms[place])
            if len(chosen) == keep:
                break
        if chosen:
            return chosen
    return []


def _told_apart(
    table: TermTable,
    labels: NDArray[np.int64],
    about: Sequence[str | None],
    weight: Weights,
    readable: NDArray[np.bool_],
) -> dict[int, list[str]]:
    """For topics that share a cause: terms that set each apart from its siblings, best first."""
    result: dict[int, list[str]] = {}
    share, _ = _shares(table, labels)
    sizes = np.bincount(labels, minlength=len(about))
    for cause in {cause for cause in about if cause is not None}:
        siblings = [topic for topic, own in enumerate(about) if own == cause]
        if len(siblings) < 2:
            continue
        usual = np.average(share[siblings], axis=0, weights=sizes[siblings])
        for topic in siblings:
            with np.errstate(divide="ignore", invalid="ignore"):
                apart = np.where(share[topic] > usual, share[topic] * np.log(share[topic] / usual), 0.0)
            # What tells siblings apart must also be worth telling: frequent words of no meaning are in every topic.
            worth = apart * np.where(weight[topic] > 0, 1.0, 0.0)
            result[topic] = _ranked(np.where(table.is_pair, 1.6, 1.0) * worth, readable[topic], table, 5)
    return result


def _names(
    ranked: Sequence[Sequence[str]],
    about: Sequence[str | None],
    told: dict[int, list[str]],
    forms: dict[str, str],
    titles: dict[str, str],
    pairs: Mapping[int, str],
) -> list[str]:
    """A name for every topic; the larger topic (the smaller number) keeps the shorter name where two would be equal."""
    names: list[str] = []
    for topic, terms in enumerate(ranked):
        cause = about[topic]
        title = titles.get(cause or "", pairs.get(topic))
        if title is None:
            written = [forms.get(term, term) for term in terms]
            proposals: Iterable[str] = (topic_name(written[first:]) for first in range(max(1, len(terms))))
        else:
            fresh = [term for term in told.get(topic, []) if not repeats(term, [content_words(title)])]
            written = [forms.get(term, term) for term in [*fresh, *terms]]
            alone = [title] if topic not in told else []
            proposals = [*alone, *(f"{title}: {phrase}" for phrase in written)]
        names.append(_first_new(proposals, names, topic))
    return names


def _first_new(proposals: Iterable[str], taken: Sequence[str], topic: int) -> str:
    """The first proposal nobody has yet; where all are taken, the first with the number of the topic."""
    first = ""
    for name in proposals:
        if name not in taken:
            return name
        first = first or name
    return f"{first} ({topic + 1})"


def repeats(term: str, chosen: Sequence[str]) -> bool:
    """Whether a term only repeats words (or their plurals) of terms already chosen."""
    seen = {stem for other in chosen for stem in _stems(other)}
    parts = _stems(term)
    return all(part in seen for part in parts) or len(set(parts)) < len(parts)


@lru_cache(maxsize=50_000)
def _stems(term: str) -> tuple[str, ...]:
    return tuple(_stem(part) for part in words_of(term))


def _stem(word: str) -> str:
    return word[:5] if len(word) > 5 else word.rstrip("s")


def topic_name(terms: Sequence[str], *, longest: int = 60) -> str:
    """A readable name of up to three terms that share no word: `Overdraft fees, charged twice`."""
    if not terms:
        return "Texts without common words"
    used: set[str] = set()
    chosen: list[str] = []
    for term in terms:
        stems = {_stem(word) for word in re.split(" ", content_words(term))}
        if not stems & used and len(", ".join([*chosen, term])) <= longest:
            chosen.append(term)
            used |= stems
        if len(chosen) == 3:
            break
    name = ", ".join(chosen or [terms[0]])
    return name[:1].upper() + name[1:]
