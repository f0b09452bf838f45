"""Cutting a text into clauses: stretches that say one thing, with their place.

Belongs here: where a clause begins and ends in English, German and Spanish. Not here: what a clause means. Every pattern
is linear in the length of the text (alternatives that begin with different characters, bounded repeats), and a mask such
as `[EMAIL]` is stepped over as a whole, so no clause ever begins or ends inside one.
"""

from __future__ import annotations

import re

from ml.text.lexicon import de, en, es
from ml.text.phrases import entries

_MASK = r"(?P<mask>\[[A-Z][A-Z0-9_ ]{0,40}\])"
_LETTER = r"[^\W\d_]"
# Abbreviations whose full stop ends no sentence.
_SHORT = frozenset(
    entries(
        """
        mr, mrs, ms, dr, st, vs, no, nr, e.g, i.e, etc, approx, dept, hr, hrn, fr, z.b, d.h, u.a, ca, bzw, evtl, ggf, inkl,
        zzgl, str, tel, sr, sra, srta, ud, uds, p.ej, ej, pág, núm, aprox
        """
    )
)


def _either(*lists: str) -> str:
    words = sorted({word for text in lists for word in entries(text)}, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in words)


# Words that turn the sense anywhere in a sentence; "still" and the like do so only after a comma.
_TURNS = """
but, however, although, nevertheless, whereas, aber, jedoch, allerdings, dennoch, obwohl, pero, sino, aunque, sin embargo,
no obstante
"""
_AFTER_COMMA = _either(en.CONTRAST, de.CONTRAST, es.CONTRAST, en.ADDITION, de.ADDITION, es.ADDITION)
_BORDER = re.compile(
    rf"{_MASK}"
    r"|(?P<end>[.!?…]{1,8}(?=\s|$|[A-ZÄÖÜÁÉÍÓÚÑ¿¡])|[;\n\r][;\s]*|\s[-–—]\s|(?<=\w):(?=\s))"
    rf"|(?P<comma>,)(?=\s(?i:{_AFTER_COMMA})(?!\w))"
    # Not inside an address such as "/but-why".
    rf"|(?<![^\s(\"„«])(?P<turn>(?i:{_either(_TURNS)}))(?=[\s,])"
)
_WORD_OR_MASK = re.compile(rf"{_MASK}|{_LETTER}")

Place = tuple[int, int]


def clauses(text: str) -> list[Place]:
    """Places `[start, end)` of the clauses of a text, in order, without overlap and without white space at their ends.

    A clause holds at least one letter outside masks; every letter of the text is in exactly one clause. A sentence ends
    at its punctuation or a line break; inside one, a clause begins at a word of contrast ("but", "aber", "pero") and at
    a comma followed by a joining word. Empty for a text without letters.
    """
    found: list[Place] = []
    begin = since = 0
    for match in _BORDER.finditer(text):
        if match.lastgroup == "mask" or (match.lastgroup == "end" and _ends_no_sentence(text, match)):
            continue
        border = match.start() if match.lastgroup == "turn" else match.end()
        begin = _add(found, text, (begin, since, border))
        since = border
    _add(found, text, (begin, since, len(text)))
    return found


def _ends_no_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop belongs to an abbreviation or to a single letter ("z. B.")."""
    if match.group() != ".":
        return False
    start = match.start()
    while start > 0 and match.start() - start < 8 and not text[start - 1].isspace():
        start -= 1
    word = text[start : match.start()].lower()
    return word in _SHORT or (len(word) == 1 and word.isalpha() and word != "i")


def _add(found: list[Place], text: str, piece: tuple[int, int, int]) -> int:
    """Put a piece (where it begins, up to where it holds no word, its end) on the list; where the next one begins."""
    begin, since, end = piece
    if not _has_word(text, since, end):
        if not found:
            return begin
        # Closing marks ("!!!", ":)") and lone masks belong to what was said before them.
        found[-1] = (found[-1][0], _stripped(text, found[-1][0], end)[1])
        return end
    found.append(_stripped(text, begin, end))
    return end


def _has_word(text: str, begin: int, end: int) -> bool:
    return any(match.lastgroup != "mask" for match in _WORD_OR_MASK.finditer(text, begin, end))


def _stripped(text: str, begin: int, end: int) -> Place:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end
