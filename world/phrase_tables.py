"""Turns wording (world/phrases) into flat arrays that can be indexed for thousands of rows at once.

Belongs here: tables, slots and their fillings. Not here: which phrases make a text (text_grammar.py). A table holds the
phrases of many groups one after the other; a group is a language, or a language and a cause.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.config import LANGUAGES, Company
from world.draws import Ints
from world.phrases import bank_en, other_languages, people_en, shared, telecom_en

SLOTS: tuple[str, ...] = ("amount", "days", "hours", "when", "place", "n", "topic", "value")
_SEAMS = (
    ("since on ", "since "),
    ("for on ", "for "),
    ("of on ", "of "),
    ("seit am ", "seit dem "),
    (" de el ", " del "),
)
_CAUSE_PARTS: tuple[str, ...] = ("core", "detail", "topic", "subject", "praise")


@dataclass(frozen=True)
class Table:
    """Phrases cut at their slots (at most two): `texts` around them, slot numbers (-1 none); groups by `first` and `size`."""

    texts: tuple[pa.Array, pa.Array, pa.Array]
    slots: tuple[NDArray[np.int8], NDArray[np.int8]]
    first: Ints
    size: Ints

    def draw(self, rng: np.random.Generator, group: NDArray[np.integer]) -> Ints:
        """A phrase number for each row's group."""
        return np.asarray(self.first[group] + (rng.random(len(group)) * self.size[group]).astype(np.int64))


def make_table(groups: list[list[str]]) -> Table:
    """Cut and flatten; an empty group borrows the phrases of the first group."""
    groups = [g or groups[0] for g in groups]
    cut = [_cut(phrase) for group in groups for phrase in group]
    texts = tuple(pa.array([c[k] for c in cut], pa.string()) for k in (0, 2, 4))
    slots = tuple(np.array([c[k] for c in cut], dtype=np.int8) for k in (1, 3))
    size = np.array([len(g) for g in groups], dtype=np.int64)
    return Table((texts[0], texts[1], texts[2]), (slots[0], slots[1]), np.cumsum(size) - size, size)


def _cut(phrase: str) -> tuple[str, int, str, int, str]:
    """Text, slot, text, slot, text; raises ValueError for an unknown slot or more than two."""
    parts = re.split(r"\{(\w+)\}", phrase)
    if len(parts) > 5:
        raise ValueError(f"more than two slots: {phrase}")
    parts += [""] * (5 - len(parts))
    first, second = (SLOTS.index(p) if p else -1 for p in (parts[1], parts[3]))
    return parts[0], first, parts[2], second, parts[4]


def scatter(count: int, parts: Sequence[tuple[NDArray[np.integer], pa.Array]]) -> pa.Array:
    """A text array of `count` rows, empty except where parts (rows, values) say otherwise."""
    index = np.zeros(count, dtype=np.int64)
    offset = 1
    for rows, _texts in parts:
        index[rows] = offset + np.arange(len(rows))
        offset += len(rows)
    return pa.concat_arrays([pa.array([""]), *(_flat(texts) for _, texts in parts)]).take(pa.array(index))


def _flat(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


@dataclass(frozen=True)
class Wording:
    """All tables of one company. `cause` tables have the group language * causes + cause, `plain` tables the language."""

    causes: int
    cause: dict[str, Table]
    plain: dict[str, Table]
    fillings: dict[str, Table]


def make_wording(company: Company) -> Wording:
    """Build every table of a company once."""
    english = {**people_en.CAUSES, **(bank_en.CAUSES if company.name == "bank" else telecom_en.CAUSES)}
    by_language = (english, other_languages.ES, other_languages.DE)
    ids = [c.id for c in company.causes]
    fallback = {"es": shared.ES_PRAISE, "de": shared.DE_PRAISE}
    cause = {
        part: make_table(
            [
                by_language[k][i].get(part, fallback.get(lang, "")).split("\n")
                for k, lang in enumerate(LANGUAGES)
                for i in ids
            ]
        )
        for part in _CAUSE_PARTS
    }
    plain = {
        name: make_table(
            [
                wording.get(name, "").split("\n") if wording.get(name) else []
                for wording in (shared.EN, shared.ES, shared.DE)
            ]
        )
        for name in shared.EN
    }
    return Wording(len(ids), cause, plain, _fillings(company))


def _fillings(company: Company) -> dict[str, Table]:
    sign = {"bank": "$", "telecom": "£"}[company.name]
    word = {"bank": "dollars", "telecom": "pounds"}[company.name]
    return {
        "amount": make_table([_amounts(sign, word, lang) for lang in LANGUAGES]),
        "days": make_table([shared.DAYS[lang].split("\n") for lang in LANGUAGES]),
        "hours": make_table([shared.HOURS[lang].split("\n") for lang in LANGUAGES]),
        "when": make_table([shared.WHEN[lang].split("\n") * 8 + _dates(lang) for lang in LANGUAGES]),
        "place": make_table([list(company.cities)] * len(LANGUAGES)),
        "n": make_table([[str(k) for k in range(2, 13)] for _ in LANGUAGES]),
    }


def _amounts(sign: str, word: str, language: str) -> list[str]:
    values = [3 + k * k % 977 + (k % 4) * 0.25 for k in range(2, 900)]
    if language == "en":
        return [f"{sign}{v:,.2f}" if k % 3 else f"{int(v)} {word}" for k, v in enumerate(values)]
    return [
        f"{v:.2f}".replace(".", ",") + (" " + sign if k % 2 else " euros" if language == "es" else " Euro")
        for k, v in enumerate(values)
    ]


def _dates(language: str) -> list[str]:
    months = shared.MONTHS[language].split()
    pattern = {"en": "on {d} {m}", "es": "el {d} de {m}", "de": "am {d}. {m}"}[language]
    return [pattern.format(d=d, m=m) for m in months for d in range(1, 29)]


def slot_values(
    wording: Wording, slot: int, rng: np.random.Generator, language: NDArray[np.integer], topic: NDArray[np.integer]
) -> pa.Array:
    """Fillings of one slot for rows of the given languages; `topic` is the cause whose topic is named."""
    if SLOTS[slot] == "topic":
        table = wording.cause["topic"]
        return table.texts[0].take(pa.array(table.draw(rng, language * wording.causes + np.maximum(topic, 0))))
    table = wording.fillings[SLOTS[slot]]
    return table.texts[0].take(pa.array(table.draw(rng, language)))


def say(
    wording: Wording,
    table: Table,
    rng: np.random.Generator,
    rows: Ints,
    count: int,
    group: NDArray[np.integer],
    language: NDArray[np.integer],
    topic: NDArray[np.integer],
) -> pa.Array:
    """A filled phrase in the given rows of `count`, empty elsewhere. `group`, `language`, `topic` belong to `rows`."""
    phrase = table.draw(rng, group)
    parts = [table.texts[0].take(pa.array(phrase))]
    for slots, text in zip(table.slots, table.texts[1:], strict=True):
        parts += [_filled(wording, slots[phrase], rng, language, topic), text.take(pa.array(phrase))]
    return scatter(count, [(rows, _smooth(pc.binary_join_element_wise(*parts, "")))])


def _filled(
    wording: Wording,
    slot: NDArray[np.int8],
    rng: np.random.Generator,
    language: NDArray[np.integer],
    topic: NDArray[np.integer],
) -> pa.Array:
    parts = []
    for k in np.unique(slot[slot >= 0]):
        at = np.flatnonzero(slot == k)
        parts.append((at, slot_values(wording, int(k), rng, language[at], topic[at])))
    return scatter(len(slot), parts)


def _smooth(texts: pa.Array) -> pa.Array:
    """Mend what filling leaves ungrammatical, such as "since on Monday"."""
    for wrong, right in _SEAMS:
        texts = pc.replace_substring(texts, wrong, right)
    return texts
