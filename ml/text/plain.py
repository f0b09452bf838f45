"""What a text looks like to a pattern: full-width and foreign digits as digits, odd spaces and dashes as plain ones.

Belongs here: that one view of a text and the way back to the original positions. Not here: any pattern. People paste
numbers from web pages and PDFs, with no-break spaces, soft hyphens and zero-width characters between the digits; a
pattern that has to think of them all misses some.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

# Characters that take no room: combining marks, soft hyphen, zero-width and direction marks, variation selectors.
_NO_ROOM = re.compile("[\u00ad\u0300-\u036f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]+")
_BREAKS = str.maketrans("\n\r\t\v\f\u2028\u2029", " " * 7)


class _Plain(dict[int, str]):
    """Translation table of one character to one, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        plain = character
        if category in ("Nd", "No"):
            digit = unicodedata.digit(character, None)
            plain = character if digit is None else str(digit)
        elif category == "Zs":
            plain = " "
        elif category == "Pd" or character == "\u2212":
            plain = "-"
        elif 0xFF01 <= code <= 0xFF5E or 0x1D400 <= code <= 0x1D7FF:
            plain = unicodedata.normalize("NFKC", character)
        self[code] = plain if len(plain) == 1 else character
        return self[code]


_PLAIN = _Plain()


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain view of a text. `gaps` are the places in it before which the original holds more, `extra` how much
    more it holds up to there (in characters); both empty where positions are the same.
    """

    text: str
    gaps: Sequence[int] = ()
    extra: Sequence[int] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `[start, end)` of the view stands in the original; what takes no room goes with what stands before."""
        if not self.gaps:
            return start, end
        return start + self._before(start + 1), end + self._before(end + 1)

    def _before(self, position: int) -> int:
        """How many characters were left out before the one at `position - 1`."""
        place = bisect_left(self.gaps, position)
        return self.extra[place - 1] if place else 0


def plain(text: str) -> Plain:
    """The plain view of a text; the same text for one that is ASCII."""
    if text.isascii():
        return Plain(text)
    if _NO_ROOM.search(text) is None:
        return Plain(text.translate(_PLAIN))
    gaps, sizes, left_out = [], [], 0
    for match in _NO_ROOM.finditer(text):
        gaps.append(match.start() - left_out)
        sizes.append(len(match.group()))
        left_out += sizes[-1]
    return Plain(_NO_ROOM.sub("", text).translate(_PLAIN), tuple(gaps), tuple(accumulate(sizes)))


def on_one_line(text: str) -> str:
    """The same text with every line break and tabulator as a space: numbers are broken across lines."""
    return text.translate(_BREAKS)
