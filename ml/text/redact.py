"""Taking personal data out of texts before anything else sees them.

Belongs here: putting the finders together, and the promise that a second look finds nothing more. Not here: the
patterns (`addresses.py`, `numbers.py`, `identifiers.py`, `places.py`, `names.py`), where names come from and where the
original goes (`intake`). Everything is linear in the length of the text: anchored scans and bounded repeats only.

Without a language model a name is found only if it is known (the customer's own, an employee's) or introduced ("my name
is ...", "Herr ...", a closing line). docs/privacy.md says what is taken, what stays and how well it is found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat

from ml.text.addresses import find_addresses
from ml.text.folding import fold, words_in
from ml.text.identifiers import find_identifiers
from ml.text.names import NameIndex, find_names
from ml.text.numbers import find_numbers
from ml.text.places import find_places
from ml.text.plain import on_one_line, plain
from ml.text.spans import KINDS, Span, masked, without_overlap

__all__ = ["CUT", "KINDS", "MAX_CHARACTERS", "Redaction", "Span", "person_index", "redact", "redact_many"]

MAX_CHARACTERS = 100_000
CUT = "[CUT]"
# What is masked may have parted two halves of something; three looks have always been enough, a fourth is not made.
_LOOKS = 3
_DIGIT = re.compile(r"[0-9]")
_MASK = re.compile(rf"\[(?:{'|'.join(KINDS)}|CUT)\]")


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without the personal data that was found, and where that stood in the original."""

    text: str
    spans: tuple[Span, ...]


def redact(text: str, known_names: Iterable[str] = (), employees: NameIndex | None = None) -> Redaction:
    """Replace personal data by its kind in brackets: `[EMAIL]`, `[CARD]`, `[NAME]` and the others of `KINDS`.

    `known_names` are names of the person the text is about (matched in any case, with or without accents, long ones
    with one typo); `employees` is an index of employee names. Of a text longer than `MAX_CHARACTERS` only that much is
    kept, followed by `[CUT]`: what was not looked at is not passed on.
    """
    names = tuple(known_names)
    return _redact(text, person_index(names) if names else None, employees)


def redact_many(
    texts: Sequence[str | None],
    names: Sequence[tuple[str, ...]] | None = None,
    employees: NameIndex | None = None,
) -> list[Redaction | None]:
    """Redact texts (None stays None); `names[i]` are the names of the person text `i` is about."""
    known: Iterable[tuple[str, ...]] = repeat(()) if names is None else names
    return [
        None if text is None else _redact(text, person_index(own) if own else None, employees)
        for text, own in zip(texts, known, strict=False)
    ]


@lru_cache(maxsize=20_000)
def person_index(names: tuple[str, ...]) -> NameIndex:
    """Index of one person's names: every part of a name counts by itself."""
    return NameIndex(names, parts_alone=True)


def _redact(text: str, person: NameIndex | None, employees: NameIndex | None) -> Redaction:
    tail = ""
    if len(text) > MAX_CHARACTERS:
        text, tail = text[:MAX_CHARACTERS], CUT
    indexes = [index for index in (person, employees) if index is not None]
    spans = _find(text, indexes)
    clean = masked(text, spans)
    for _ in range(_LOOKS - 1):
        more = _find(clean, indexes) if spans else []
        if not more:
            break
        spans = without_overlap([*spans, *_as_in_original(more, spans)])
        clean = masked(text, spans)
    return Redaction(clean + tail, tuple(spans))


def _find(text: str, indexes: Sequence[NameIndex]) -> list[Span]:
    """Personal data of one text, without what lies in a mask an earlier redaction left."""
    view = plain(text)
    folded = fold(view.text)
    words = words_in(folded)
    met = set(words)
    found = list(find_addresses(view.text, met))
    if _DIGIT.search(view.text) is not None:
        line = on_one_line(view.text)
        found.extend(find_numbers(line))
        found.extend(find_identifiers(line, met))
        found.extend(find_places(line, met))
    found.extend(Span(start, end, "NAME") for start, end in find_names(view.text, folded, words, met, indexes))
    if not found:
        return []
    spans = [Span(*view.original(span.start, span.end), span.kind) for span in without_overlap(found)]
    return _outside_masks(text, spans) if "[" in text else spans


def _outside_masks(text: str, spans: list[Span]) -> list[Span]:
    """A customer may be called Card, and `[CARD]` stays what it is."""
    masks = [match.span() for match in _MASK.finditer(text)]
    starts = [start for start, _ in masks]

    def is_outside(span: Span) -> bool:
        place = bisect_right(starts, span.end - 1) - 1
        return place < 0 or masks[place][1] <= span.start

    return [span for span in spans if is_outside(span)]


def _as_in_original(more: Sequence[Span], spans: Sequence[Span]) -> list[Span]:
    """Spans of the masked text where they stand in the text that was masked at `spans`."""
    grown = list(accumulate(len(span.kind) + 2 - (span.end - span.start) for span in spans))
    ends = [span.end + by for span, by in zip(spans, grown, strict=True)]

    def back(position: int) -> int:
        place = bisect_right(ends, position)
        return position - (grown[place - 1] if place else 0)

    return [Span(back(span.start), back(span.end), span.kind) for span in more]
