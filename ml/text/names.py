"""Names the company knows: the customer's own, with one typo where they are long, and its employees'.

Belongs here: matching only; where the names come from is `intake`'s. Not here: names found by how somebody introduces
himself (`introductions.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import product

from ml.text.folding import EXPANDED, WORD, fold, word_set
from ml.text.introductions import introduced

# Names that are words as well: alone they count only with a capital letter (and for employees not at all).
_ALSO_WORDS = word_set(
    """
    will mark may grace rose hope joy faith bill rob frank art drew chase grant pat sue dawn june april august
    summer autumn crystal amber ruby pearl jack nick rich dean young long brown green white black gray grey king
    price bell wood stone hill field banks bank cook baker page day case miles gene jean jay ray lane cash penny
    daisy ivy lily violet victor major max sage skip ward wade park short small little best good west north
    south east church love power powers rice fox wolf wise sharp swift fish bird bush brook brooks ford mason
    carter taylor turner weber klein gross lang kurz jung alt neu gut berg stein sommer winter herbst sol luz
    cruz rojo blanco reyes leon an am do in no so to so he me my we us is it be by at as or on of up if go
    """
)


# Shorter names are one letter away from too many words.
_TYPO_FROM = 6
_BETWEEN = (" ", "-", ". ", ".", "'", "’", "  ")
_INITIAL = re.compile(r"(?<![^\W_])[^\W\d_]\.?\s?$")


class NameIndex:
    """Names prepared for matching; `parts_alone` lets every part of a name count by itself in any case.

    Otherwise (employees) a full name counts in any case, a single part only with a capital letter, from three letters
    on, and not when it is an ordinary word.
    """

    def __init__(self, names: Iterable[str], *, parts_alone: bool = False) -> None:
        self.parts_alone = parts_alone
        self._sequences: dict[str, list[tuple[str, ...]]] = {}
        self._parts: set[str] = set()
        for name in names:
            spellings = [{fold(w), w.lower().translate(EXPANDED)} for w in WORD.findall(name)]
            for words in product(*({fold(spelling) for spelling in group} for group in spellings[:4])):
                self._add(words)
        for sequences in self._sequences.values():
            sequences.sort(key=len, reverse=True)
        self.words = frozenset(self._parts) | frozenset(self._sequences)
        long = (part for part in self._parts if len(part) >= _TYPO_FROM and part not in _ALSO_WORDS)
        self._long = tuple(sorted(long)) if parts_alone else ()

    def _add(self, words: tuple[str, ...]) -> None:
        if len(words) > 1 and words not in self._sequences.setdefault(words[0], []):
            self._sequences[words[0]].append(words)
        self._parts.update(word for word in words if len(word) > (1 if self.parts_alone else 2))

    def length_at(self, words: Sequence[str], position: int, text: str, start: int) -> int:
        """How many words from `position` on are a name; `start` is where the first stands in `text`."""
        word = words[position]
        for sequence in self._sequences.get(word, ()):
            if tuple(words[position : position + len(sequence)]) == sequence:
                return len(sequence)
        return 1 if word in self._parts and self._alone(word, text[start]) else 0

    def _alone(self, word: str, first: str) -> bool:
        if word in _ALSO_WORDS or len(word) < 3:
            return self.parts_alone and first.isupper()
        return self.parts_alone or first.isupper()

    def misspelt(self, met: Set[str]) -> frozenset[str]:
        """Words that are a long part of one person's name but for one letter left out, added, changed or swapped.

        The first letter must be right (Pollock and Zamora 1984: it is in nine typos of ten), and ordinary words do not
        count. Nothing for an index of many people: among thousands of names every word has a neighbour.
        """
        if not self._long:
            return frozenset()
        near = (
            word for word in met if len(word) >= _TYPO_FROM - 1 and word not in self._parts and word not in _ALSO_WORDS
        )
        return frozenset(word for word in near if any(is_one_typo(word, name) for name in self._long))


def is_one_typo(word: str, name: str) -> bool:
    """Whether two words with the same first letter differ by one letter left out, added, changed or swapped with the next."""
    if word[:1] != name[:1] or abs(len(word) - len(name)) > 1 or word == name:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, other = word[start:], name[start:]
    if len(word) == len(name):
        return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
    longer, shorter = (rest, other) if len(word) > len(name) else (other, rest)
    return longer[1:] == shorter


def find_names(
    text: str, folded: str, words: list[str], met: set[str], indexes: Sequence[NameIndex]
) -> Iterator[tuple[int, int]]:
    """Places (start, end) of names in a text: introduced ones first, then those the indexes know.

    `folded` is `fold(text)`, `words` are its words in order and `met` the set of them: whoever looks for more than
    names has them anyway.
    """
    yield from introduced(text, met)
    hit = [index for index in indexes if not index.words.isdisjoint(met)]
    misspelt = frozenset[str]().union(*(index.misspelt(met) for index in indexes))
    if hit or misspelt:
        yield from _known(text, folded, words, hit, misspelt)


def _known(
    text: str, folded: str, words: list[str], indexes: Sequence[NameIndex], misspelt: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Places of known names; parts next to each other are one place, and an initial beside one belongs to it."""
    pieces = list(_pieces(text, folded, words, indexes, misspelt))
    while pieces:
        run = 1
        while run < len(pieces) and text[pieces[run - 1][1] : pieces[run][0]] in _BETWEEN:
            run += 1
        surely = any(is_sure for _, _, is_sure in pieces[:run])
        if surely or _looks_like_a_name(text, pieces[0][0]):
            yield _with_initial(text, pieces[0][0]), pieces[run - 1][1]
        del pieces[:run]


def _pieces(
    text: str, folded: str, words: list[str], indexes: Sequence[NameIndex], misspelt: frozenset[str]
) -> Iterator[tuple[int, int, bool]]:
    """Parts of known names in order, as (start, end, whether it is spelt right)."""
    starts = [match.start() for match in WORD.finditer(folded)]
    names = {word for index in indexes for word in index.words.intersection(words)}
    position = 0
    while position < len(words):
        word, start = words[position], starts[position]
        count = max(index.length_at(words, position, text, start) for index in indexes) if word in names else 0
        if count:
            yield start, starts[position + count - 1] + len(words[position + count - 1]), True
        elif word in misspelt:
            yield start, start + len(word), False
        position += max(count, 1)


def _looks_like_a_name(text: str, start: int) -> bool:
    """Whether a misspelt name that stands alone is written as one: with a capital, not because a sentence begins."""
    before = text[:start].rstrip()
    return text[start].isupper() and bool(before) and before[-1] not in ".!?:\n"


def _with_initial(text: str, start: int) -> int:
    """Where the name begins when an initial stands before it, as in K. Montgomery; "I" and "a" are words."""
    found = _INITIAL.search(text, max(0, start - 3), start)
    is_initial = found is not None and found.group()[0].isupper() and "." in found.group()
    return found.start() if found is not None and is_initial else start
