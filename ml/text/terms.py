"""Which words and word pairs occur in which texts, counted with integer arithmetic.

Belongs here: the table of terms that topics are described with. Not here: what a word is (`words.py`) or which terms
describe a topic (`ml/root_cause/naming.py`).

All texts are taken apart in one pass and words become numbers, so that a pair is one integer: a sixth of the CPU time
of scikit-learn's vectoriser with pairs on 2,225 news texts. Presence is counted, not frequency: a customer who
writes "fee" nine times is one customer with a fee.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.text.words import BREAK, LANGUAGES, STOP_WORDS, joined_words

Numbers = NDArray[np.int64]
# Words a pair may have between: "stood in line" is a phrase, "blocked a perfectly" is a cut through one.
_JOINS = """as at by for from in of on to de del en por con sin am auf bei für im zu zum zur vom von"""
_JOINING = frozenset(_JOINS.split())
# Least share of small words by which a text is in a language: lists of keywords are in none.
_RUNNING = 0.08
# What a text is about is said in its first 1,000 characters; a letter of 6 MB must not decide what a topic is called.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class TermTable:
    """Terms (words, and pairs joined by a blank) with the texts they occur in.

    `presence` is a sparse 0/1 matrix (texts, terms); `is_pair` tells pairs from words. `language` is the language most
    stop words of a text belong to, as a place in `words.LANGUAGES`; -1 when it has fewer than two or a draw.
    """

    terms: tuple[str, ...]
    is_pair: NDArray[np.bool_]
    presence: Any
    language: Numbers
    _tokens: _Tokens = field(repr=False)

    def take(self, rows: Numbers) -> TermTable:
        """The table with its texts in another order."""
        return replace(self, presence=self.presence[rows], language=self.language[rows])

    def written(self, terms: Sequence[str]) -> dict[str, str]:
        """How people most often write each pair (`stood line` becomes `stood in line`); words stay as they are."""
        return self._tokens.written([term for term in terms if " " in term]) | {
            term: term for term in terms if " " not in term
        }


@dataclass(frozen=True)
class _Tokens:
    """All words of all texts as numbers: `ids` in order, the text of each in `rows`, and the places of content words."""

    words: list[str]
    ids: Numbers
    rows: Numbers
    content: Numbers

    @cached_property
    def pairs(self) -> tuple[Numbers, Numbers]:
        """(key of the pair, place of its first word in `content`) of neighbouring content words of one text."""
        left, right = self.content[:-1], self.content[1:]
        joining = np.array([word in _JOINING for word in self.words])
        beside = (right - left == 1) | ((right - left == 2) & joining[self.ids[left + 1]])
        near = (self.rows[left] == self.rows[right]) & beside & (self.ids[left] != self.ids[right])
        first = np.flatnonzero(near)
        return self.ids[left[first]] * len(self.words) + self.ids[right[first]], first

    def written(self, pairs: Sequence[str]) -> dict[str, str]:
        number = {word: place for place, word in enumerate(self.words)}
        wanted = {number[a] * len(self.words) + number[b]: f"{a} {b}" for a, b in (pair.split(" ") for pair in pairs)}
        keys, first = self.pairs
        hits = np.flatnonzero(np.isin(keys, np.fromiter(wanted, dtype=np.int64, count=len(wanted))))
        forms: dict[int, Counter[str]] = defaultdict(Counter)
        for key, place in zip(keys[hits].tolist(), first[hits].tolist(), strict=True):
            begin, end = self.content[place], self.content[place + 1] + 1
            forms[key][" ".join(self.words[number] for number in self.ids[begin:end].tolist())] += 1
        # Of equally frequent forms the shortest, then the first by alphabet.
        return {wanted[key]: min(own, key=lambda form: (-own[form], len(form), form)) for key, own in forms.items()}


def count_terms(texts: Sequence[str], *, rarest: int | None = None, commonest: float = 0.4) -> TermTable:
    """Table of the content words and pairs in at least `rarest` texts (default 3, or 1 in 400) and at most a share
    `commonest` of them; when that leaves nothing, of all words. Terms are in alphabetical order."""
    tokens = _tokens(texts)
    rarest = rarest if rarest is not None else max(3, len(texts) // 400)
    rows = tokens.rows[tokens.content]
    single = _present(tokens.ids[tokens.content], rows, (len(texts), len(tokens.words)))
    kept = _usual(single, rarest, commonest * len(texts))
    if not len(kept):
        kept = _usual(single, 1, float(len(texts)))
    pairs = _pairs(tokens, kept, rarest, commonest * len(texts), len(texts))
    return _table(tokens, (kept, single[:, kept]), pairs)


def _pairs(tokens: _Tokens, kept: Numbers, rarest: int, most: float, texts: int) -> tuple[Numbers, Any]:
    """Keys of the pairs of kept words that are usual themselves, and the texts they are in."""
    keys, first = tokens.pairs
    # A pair is no more frequent than its words, and a pair met fewer times is in fewer texts: most are gone early.
    known = np.zeros(len(tokens.words), dtype=bool)
    known[kept] = True
    both = known[keys // len(tokens.words)] & known[keys % len(tokens.words)]
    keys, first = keys[both], first[both]
    unique, often = np.unique(keys, return_counts=True)
    unique = unique[often >= rarest]
    place = np.searchsorted(unique, keys)
    hit = np.flatnonzero(unique[np.minimum(place, len(unique) - 1)] == keys) if len(unique) else place[:0]
    double = _present(place[hit], tokens.rows[tokens.content[first[hit]]], (texts, len(unique)))
    enough = _usual(double, rarest, most)
    return unique[enough], double[:, enough]


def _tokens(texts: Sequence[str]) -> _Tokens:
    number: defaultdict[str, int] = defaultdict(count().__next__)
    number[BREAK]
    found = joined_words(text[:_LONGEST] for text in texts)
    ids = np.fromiter(map(number.__getitem__, found), dtype=np.int64, count=len(found))
    words = list(number)
    rows = np.cumsum(ids == 0)
    carries = np.array([len(word) > 1 and word not in STOP_WORDS for word in words])
    return _Tokens(words, ids, rows, np.flatnonzero(carries[ids]))


def _present(columns: Numbers, rows: Numbers, shape: tuple[int, int]) -> Any:
    """Sparse 0/1 matrix of (row, column); a counting sort, so linear in the number of words."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    matrix.data[:] = 1.0
    return matrix


def _usual(presence: Any, rarest: int, most: float) -> Numbers:
    """Columns present in enough but not too many rows."""
    often = np.bincount(presence.indices, minlength=presence.shape[1])
    return np.flatnonzero((often >= rarest) & (often <= most))


def _table(tokens: _Tokens, words: tuple[Numbers, Any], pairs: tuple[Numbers, Any]) -> TermTable:
    from scipy.sparse import hstack

    base = len(tokens.words)
    named = [tokens.words[key] for key in words[0].tolist()]
    named += [f"{tokens.words[key // base]} {tokens.words[key % base]}" for key in pairs[0].tolist()]
    order = sorted(range(len(named)), key=named.__getitem__)
    presence = hstack([words[1], pairs[1]], format="csr")[:, order]
    is_pair = np.array([" " in named[place] for place in order], dtype=bool)
    language = _language(tokens, presence.shape[0])
    return TermTable(tuple(named[place] for place in order), is_pair, presence, language, tokens)


def _language(tokens: _Tokens, texts: int) -> Numbers:
    counts = np.zeros((texts, len(LANGUAGES)))
    for column, stop_words in enumerate(LANGUAGES.values()):
        belongs = np.array([word in stop_words for word in tokens.words])
        counts[:, column] = np.bincount(tokens.rows[belongs[tokens.ids]], minlength=texts)[:texts]
    best, second = np.sort(counts, axis=1)[:, :-3:-1].T
    # One such word may be a name or another language's ("die", "man", "son"); of running text they are a third.
    enough = np.maximum(2, _RUNNING * np.bincount(tokens.rows[tokens.ids > 0], minlength=texts)[:texts])
    return np.where((best >= enough) & (best > second), counts.argmax(axis=1), -1)
