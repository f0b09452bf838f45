"""Folding texts and cutting them into words, one character to one, so that positions stay what they are.

Belongs here: that alone. Names, cues and gates all compare folded words.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W\d_]+")
_SPECIAL = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "s", "æ": "a", "œ": "o", "þ": "t"}
# How people write umlauts who have no key for them.
EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa"})


class _Fold(dict[int, str]):
    """Translation table that folds one character to one, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code).lower()[:1] or chr(code)
        base = _SPECIAL.get(character) or unicodedata.normalize("NFD", character)[0]
        self[code] = base
        return base


_FOLD = _Fold()


def fold(text: str) -> str:
    """Lower case without accents, of the same length."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


def words_in(folded: str) -> list[str]:
    """The words of a folded text, in order."""
    return WORD.findall(folded)


def word_set(words: str) -> frozenset[str]:
    """Words of a table in the code."""
    return frozenset(words.split())
