"""Finding many phrases in the words of a text at once.

Belongs here: the book of phrases and the one way words are read off a text for it. Not here: the phrases themselves
(`ml/text/lexicon`) or what finding one means (`signs.py`). Cost is one dictionary look-up per word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

# A mask is one word that no phrase holds; a number is `#`.
WORD = re.compile(r"\[[A-Z][A-Z0-9_ ]{0,40}\]|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,:]\d+)*")
_ENOUGH = 200_000
_BARE = str.maketrans("áéíóúàèìòù", "aeiouaeiou")
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

Found = tuple[int, int, T]


def normal(word: str) -> str:
    """How a word is written in a book: lower case, straight apostrophe, `#` for a number, empty for a mask."""
    if word[0] == "[":
        return ""
    if word[0].isdigit():
        return "#"
    return word.lower().replace("’", "'")


def entries(text: str) -> list[str]:
    """The entries of a list separated by commas, each once, in order."""
    return list(dict.fromkeys(entry for part in text.split(",") if (entry := " ".join(part.lower().split()))))


class PhraseBook(Generic[T]):
    """Phrases with a value each. A word may end in `*` (any ending); of two phrases at one place the longest counts."""

    def __init__(self, phrases: Mapping[str, T]) -> None:
        self._exact: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        self._begun: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, value in phrases.items():
            for spelling in _spellings(phrase):
                self._enter(tuple(spelling.split()), value)
        self._lengths = sorted({len(word) for word in self._begun}, reverse=True)
        self._met: dict[str, tuple[tuple[tuple[str, ...], T], ...]] = {}

    def _enter(self, words: tuple[str, ...], value: T) -> None:
        first = words[0]
        shelf = self._begun if first.endswith("*") else self._exact
        known = shelf.setdefault(first.rstrip("*"), [])
        if all(rest != words[1:] for rest, _ in known):
            known.append((words[1:], value))

    def find(self, words: list[str]) -> list[Found[T]]:
        """(first word, word after the last, value) of every phrase, in order, without overlap."""
        found: list[Found[T]] = []
        free, met = 0, self._met
        for place, word in enumerate(words):
            candidates = met.get(word)
            if candidates is None:
                candidates = self._look_up(word)
            if not candidates or place < free:
                continue
            for rest, value in candidates:
                free = place + 1 + len(rest)
                if not rest or _follows(words, place + 1, rest):
                    found.append((place, free, value))
                    break
            else:
                free = place
        return found

    def has(self, words: Iterable[str]) -> int:
        """How many of the words begin a phrase of one word."""
        return sum(any(not rest for rest, _ in self._met.get(word) or self._look_up(word)) for word in words)

    def _look_up(self, word: str) -> tuple[tuple[tuple[str, ...], T], ...]:
        """Phrases that may begin with this word, longest first, exact spelling before an open ending; remembered."""
        candidates = list(self._exact.get(word, ()))
        for length in self._lengths:
            if length <= len(word):
                candidates += self._begun.get(word[:length], ())
        ordered = tuple(sorted(candidates, key=lambda candidate: -len(candidate[0])))
        if len(self._met) > _ENOUGH:
            self._met.clear()
        self._met[word] = ordered
        return ordered


def _follows(words: list[str], place: int, rest: tuple[str, ...]) -> bool:
    if place + len(rest) > len(words):
        return False
    return all(
        word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
        for word, wanted in zip(words[place:], rest, strict=False)
    )


def _spellings(phrase: str) -> set[str]:
    """A phrase as given, without acute accents, with umlauts written out, and without apostrophes."""
    return {phrase, phrase.translate(_BARE), phrase.translate(_SPELLED), phrase.replace("'", "")}
