"""Counts of words, of pairs of words and of parts of words, at the speed of a dictionary.

Belongs here: what the static tier counts and how a vocabulary is learned. Not here: what the counts are worth
(`student.py`) and the words people are shown (`words.py`).

scikit-learn's vectoriser makes a string for every pair of words and a Python object for every count. Here all texts of a call
are split by one regular expression, words become numbers by one pass through a dictionary, and everything after
that (pairs, counts, sums) is arithmetic on arrays of numbers: ten times as many texts per CPU-second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# About what the teacher's 256 word pieces hold: the student must not learn from words its teacher never read.
READ_CHARACTERS = 1_400
MOST_WORDS = 20_000
MOST_PAIRS = 30_000
MOST_PARTS = 20_000
# A word, a pair or a part seen in one text only says nothing about any other.
_LEAST_TEXTS = 2
_PART_LENGTHS = (3, 4, 5)
# A 6,000-character word would have 18,000 parts.
_LONGEST_WORD = 40

_BREAK = "\n"
_TOKEN = re.compile(r"\w+|\n")

Numbers = NDArray[np.int64]
_Name = TypeVar("_Name", str, int)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a student knows. Rows are the values of `words` and `parts`, and the places of `pairs`.

    A pair is coded `row of the first word x number of words + row of the second`; codes are sorted. `texts` is the number
    of texts the lexicon was learned from.
    """

    words: Mapping[str, int]
    pairs: Numbers
    parts: Mapping[str, int]
    texts: int


@dataclass(frozen=True, slots=True)
class Bag:
    """Features of texts laid end to end: `rows` of features, of which text i has those from `ends[i-1]` to `ends[i]`."""

    rows: Numbers
    ends: Numbers

    def counts(self, width: int) -> sparse.csr_array:
        """Sparse counts (texts, width), float32; a feature that occurs twice in a text may stand there twice."""
        pointers = np.concatenate([[0], self.ends])
        ones = np.ones(len(self.rows), dtype=np.float32)
        return sparse.csr_array((ones, self.rows, pointers), shape=(len(self.ends), width))


@dataclass(frozen=True, slots=True)
class Lexed:
    """Texts as features: known words, known pairs, and words the lexicon lacks (rows are places in `new`)."""

    words: Bag
    pairs: Bag
    unknown: Bag
    new: tuple[str, ...]


class _Growing(dict[str, int]):
    """A dictionary that numbers what it has not seen; the look-up of known words stays in C."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self) - 1
        return number


def _tokens(texts: Sequence[str], known: Mapping[str, int]) -> tuple[Numbers, _Growing]:
    """Numbers of all words of all texts, -1 between texts, and the numbering (known words keep theirs)."""
    numbering = _Growing(known)
    numbering[_BREAK] = -1
    joined = _BREAK.join([text[:READ_CHARACTERS].replace(_BREAK, " ") for text in texts])
    words = _TOKEN.findall(joined.lower())
    return np.fromiter(map(numbering.__getitem__, words), np.int64, len(words)), numbering


def _bag(rows: Numbers, owners: Numbers, texts: int) -> Bag:
    return Bag(rows, np.cumsum(np.bincount(owners, minlength=texts)))


def lexed(texts: Sequence[str], lexicon: Lexicon) -> Lexed:
    """Texts as features of a lexicon; only the first READ_CHARACTERS of each are read."""
    known = len(lexicon.words)
    numbers, numbering = _tokens(texts, lexicon.words)
    owners = np.cumsum(numbers == -1)
    is_known = (numbers >= 0) & (numbers < known)
    both = is_known[:-1] & is_known[1:]
    codes = numbers[:-1][both] * known + numbers[1:][both]
    places, is_pair = _found(codes, lexicon.pairs)
    is_new = numbers >= known
    return Lexed(
        words=_bag(numbers[is_known], owners[is_known], len(texts)),
        pairs=_bag(places[is_pair], owners[:-1][both][is_pair], len(texts)),
        unknown=_bag(numbers[is_new] - known, owners[is_new], len(texts)),
        new=tuple(list(numbering)[known + 1 :]),
    )


def _found(codes: Numbers, among: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Places of codes in a sorted array, and which of them are there."""
    if not len(among):
        return np.zeros(len(codes), dtype=np.int64), np.zeros(len(codes), dtype=bool)
    places = np.minimum(np.searchsorted(among, codes), len(among) - 1)
    return places, among[places] == codes


def parts_of(word: str) -> list[str]:
    """Runs of 3 to 5 characters of a word between marks of its start and end, without the whole itself."""
    marked = f"<{word[:_LONGEST_WORD]}>"
    return [
        marked[start : start + length]
        for length in _PART_LENGTHS
        if length < len(marked)
        for start in range(len(marked) - length + 1)
    ]


def word_parts(words: Sequence[str], parts: Mapping[str, int]) -> sparse.csr_array:
    """Counts (words, parts) of the known parts of each word, float32."""
    rows = [[parts[part] for part in parts_of(word) if part in parts] for word in words]
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    return Bag(np.fromiter((part for row in rows for part in row), np.int64), ends).counts(len(parts))


def learn_lexicon(texts: Sequence[str]) -> Lexicon:
    """Words, pairs and parts that occur in at least two of the texts, the most frequent where there are too many.

    Order is by name, so the same texts in any order give the same lexicon.
    """
    numbers, numbering = _tokens(texts, {})
    names = list(numbering)[1:]
    owners = np.cumsum(numbers == -1)
    is_word = numbers >= 0
    used = _text_counts(numbers[is_word], owners[is_word])
    words = _most_used(dict(zip([names[number] for number in used], used.values(), strict=True)), MOST_WORDS)
    row_of = np.array([words.get(name, -1) for name in names] + [-1], dtype=np.int64)
    rows = np.where(is_word, row_of[numbers], -1)
    both = (rows[:-1] >= 0) & (rows[1:] >= 0)
    pairs = _text_counts(rows[:-1][both] * len(words) + rows[1:][both], owners[:-1][both])
    codes = sorted(_most_used(pairs, MOST_PAIRS))
    present = _bag(numbers[is_word], owners[is_word], len(texts)).counts(len(names))
    parts = _most_used(_part_counts(names, present), MOST_PARTS)
    return Lexicon(words, np.array(codes, dtype=np.int64), parts, len(texts))


def _text_counts(features: Numbers, owners: Numbers) -> dict[int, int]:
    """In how many texts each feature occurs."""
    once = np.unique(np.stack([features, owners]), axis=1)[0] if len(features) else features
    values, counts = np.unique(once, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _part_counts(words: Sequence[str], present: sparse.csr_array) -> dict[str, int]:
    """In how many texts each part of a word occurs; `present` (texts, words)."""
    every = _Growing({_BREAK: -1})
    for word in words:
        for part in parts_of(word):
            every[part]
    del every[_BREAK]
    met = (present @ word_parts(words, every)).tocsr()
    counts = np.bincount(met.indices, minlength=len(every))
    return dict(zip(every, counts.tolist(), strict=True))


def _most_used(counts: Mapping[_Name, int], most: int) -> dict[_Name, int]:
    """Rows, in order of name, of the most used features; ties go by name."""
    often = sorted((name for name in counts if counts[name] >= _LEAST_TEXTS), key=lambda name: (-counts[name], name))
    return {name: row for row, name in enumerate(sorted(often[:most]))}
