"""Themes are about subjects, not languages: texts in a second language join the theme of their cause.

Belongs here: topics of texts that are not in the corpus' main language. Not here: telling languages apart
(`ml/text/terms.py`) or clustering (`cluster.py`).

The encoder is English-centred: German and Spanish texts lie together whatever they are about, and taking the direction
of a language out of the vectors did not mend it (agreement with planted causes stayed below 0.1 on 240 generated texts).
So the main language is clustered, and another language is taken apart by cause, as people coded it or as the
taxonomy's phrases (which are in all languages of the programme) say it. Each such part is a topic with its own centroid, so
that new texts in that language find it, and a copy of the main language's topic of that cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.cluster import Labels
from ml.root_cause.naming import Described, Guide
from ml.text.embed import Vectors, as_unit
from ml.text.words import LANGUAGES

# Fewer texts of a language are no ground for topics of their own; they go with the main language's.
_ENOUGH_OF_A_LANGUAGE = 20
_ENOUGH_OF_A_CAUSE = 5
_NAMES = {"en": "English", "de": "German", "es": "Spanish"}
_SPOKEN = [_NAMES[code] for code in LANGUAGES]


def main_language(language: Labels) -> NDArray[np.bool_]:
    """Texts that are clustered freely: the commonest language, texts of unknown language, and languages of few texts."""
    known = language[language >= 0]
    if not len(known):
        return np.ones(len(language), dtype=bool)
    counts = np.bincount(known)
    own = (counts < _ENOUGH_OF_A_LANGUAGE) | (np.arange(len(counts)) == counts.argmax())
    return np.asarray((language < 0) | own[np.maximum(language, 0)])


def with_other_languages(
    labels: Labels,
    unit: Vectors,
    language: Labels,
    guide: Guide | None,
    said: NDArray[np.bool_] | None,
    causes: Sequence[str | None] | None,
) -> tuple[Labels, dict[int, str]]:
    """Labels with those still -1 (texts in other languages) put into topics of their language, one per cause; and the
    cause of each such topic.

    A text without a known cause goes to the nearest of them, or stays in a topic of its language for what is unknown.
    """
    result, about = labels.copy(), dict[int, str]()
    cause = _cause_of_texts(len(labels), guide, said, causes)
    for number in sorted(set(language[labels < 0].tolist())):
        rows = np.flatnonzero((language == number) & (labels < 0))
        numbers, sizes = np.unique(cause[rows], return_counts=True)
        usual = numbers[(numbers >= 0) & (sizes >= _ENOUGH_OF_A_CAUSE)]
        groups = [rows[cause[rows] == own] for own in usual]
        rest = rows[~np.isin(cause[rows], usual)]
        # Texts of no known cause are a group too, or they would be pressed into causes they only share a language with.
        groups += [rest] if len(rest) >= _ENOUGH_OF_A_CAUSE or not groups else []
        means = as_unit(np.stack([unit[group].mean(axis=0) for group in groups]))
        place = (unit[rows] @ means.T).argmax(axis=1)
        for index, own in enumerate(usual):
            place[cause[rows] == own] = index
        first = int(result.max()) + 1
        place = np.unique(np.concatenate([np.arange(len(usual)), place]), return_inverse=True)[1][len(usual) :]
        result[rows] = first + place
        if guide is not None:
            about |= {first + index: guide.causes[int(own)][0] for index, own in enumerate(usual)}
    return result, about


def _cause_of_texts(
    texts: int, guide: Guide | None, said: NDArray[np.bool_] | None, causes: Sequence[str | None] | None
) -> Labels:
    """Place of each text's cause in the guide: as coded, else by its only phrase; -1 for unknown."""
    if guide is None or said is None or not guide.causes:
        return np.full(texts, -1, dtype=np.int64)
    by_phrase = np.where(said.sum(axis=1) == 1, said.argmax(axis=1), -1)
    place = {cause_id: number for number, (cause_id, _, _) in enumerate(guide.causes)}
    coded = np.array([place.get(cause or "", -1) for cause in causes or [None] * texts], dtype=np.int64)
    return np.where(coded >= 0, coded, by_phrase)


def named_by_language(described: Sequence[Described], language: Labels, labels: Labels) -> list[Described]:
    """Topics of another language whose cause is unknown say in their name what language they are in."""
    own = main_language(language)
    is_guided = any(told.cause_id is not None for told in described)
    result: list[Described] = []
    for topic, told in enumerate(described):
        rows = labels == topic
        if told.cause_id is None and not own[rows].any():
            # Where other topics have a cause, what is left in another language is a mixture: its words name nothing.
            subject = "other subjects" if is_guided else told.name
            name = f"In {_SPOKEN[int(np.bincount(language[rows]).argmax())]}: {subject}"
            taken = any(other.name == name for other in result)
            told = replace(told, name=f"{name} ({topic + 1})" if taken else name)
        result.append(told)
    return result


def copies_of(described: Sequence[Described], language: Labels, labels: Labels) -> dict[int, int]:
    """Topic in another language -> topic of the same cause in the main language (the largest), where there is one."""
    own = main_language(language)
    foreign = [topic for topic in range(len(described)) if not own[labels == topic].any()]
    sizes = np.bincount(labels, minlength=len(described))
    homes: dict[str, int] = {}
    # Where the main language has no topic of a cause, the largest of the other languages is its home.
    for topic in sorted(range(len(described)), key=lambda topic: (topic in foreign, -sizes[topic], topic)):
        cause = described[topic].cause_id
        if cause is not None:
            homes.setdefault(cause, topic)
    found = {topic: homes[described[topic].cause_id or ""] for topic in foreign if described[topic].cause_id in homes}
    return {topic: home for topic, home in found.items() if topic != home}
