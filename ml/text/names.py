"""Finding names in text: known ones by dictionary, unknown ones by how people introduce themselves.

Belongs here: matching only. Names are folded (case, accents, umlauts) one character to one, so that positions in the
folded text are positions in the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import product


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W\d_]+")
_SPECIAL = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "s", "æ": "a", "œ": "o", "þ": "t"}
_EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa"})

# Names that are words as well: alone they count only with a capital letter (and for employees not at all).
_ALSO_WORDS = _words(
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
_STOP = _words(
    """
    and or but the a an i from calling here about with to for not so very just still now also really please am
    was were is are be been on in at of it that this my your their our his her who and und oder aber ich bin von
    aus der die das ein eine nicht sehr noch jetzt auch bitte wegen seit y o pero yo soy de del la el los las un
    una no muy sorry unhappy angry disappointed writing waiting trying asking looking going getting having done
    happy sure sick tired glad afraid aware concerned confused frustrated furious shocked appalled disgusted fed
    leaving switching chase citibank citi wells capital american english german spanish british us usa uk monday
    tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december kunde kundin bank customer cliente team support service absolutely
    completely totally ridiculous unacceptable mein dein ihr sein kein keine wo wie was warum when where what
    why how
    """
)
_STRONG = re.compile(
    r"\b(?:my name is|my name's|my name’s|mein name ist|ich hei(?:ß|ss)e|me llamo|mi nombre es|name:)\s{1,3}",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Herr|Herrn|Frau|Sr|Sra|Srta|Señor|Señora|Don|Doña)\.?[ \u00a0](?=[^\W\d_])"
)
_WEAK = re.compile(
    r"\b(?:[Ii] am|[Ii]['’]m|[Tt]his is|[Ii]t['’]s|[Ii]ch bin|[Hh]ier ist|[Hh]ier spricht|[Ss]oy|[Ll]e habla)\s{1,3}"
    r"(?=[^\W\d_a-z])"
)
_AFTER_WEAK = re.compile(
    r"\s*(?:$|[,.!;:\n(\-–]|(?:from|calling|writing|speaking|here|again|and|und|aus|von|y|de|desde)\b)", re.IGNORECASE
)
_CLOSING = re.compile(
    r"\b(?:regards|sincerely|cheers|thanks|thank you|best wishes|yours truly|yours|gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)"
    r"|dank|saludos|atentamente|gracias|cordialmente)[,.!]{0,3}\s{1,4}(?=[^\W\d_])",
    re.IGNORECASE,
)
# Words one of which every opening holds (folded); most texts hold none and are done with at once.
_STRONG_WORDS = _words(
    """
    name llamo nombre heise heisse heiße
    """
)
_TITLE_WORDS = _words(
    """
    mr mrs ms miss mx dr herr herrn frau sr sra srta senor senora don dona
    """
)
_WEAK_WORDS = _words(
    """
    am m this it ich hier soy habla
    """
)
_CLOSING_WORDS = _words(
    """
    regards sincerely cheers thanks thank best yours gruse grusen grusse grussen gruesse gruessen gruese gruesen
    grus gruss dank saludos atentamente gracias cordialmente
    """
)
_CLOSING_REACH = 90
_PARTICLE = re.compile(r"(?:van|von|vom|zu|de|der|den|del|della|la|le|da|dos|di|du|bin|al|el|ter)[ ](?=[^\W\d_a-z])")


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
            spellings = [{fold(w), w.lower().translate(_EXPANDED)} for w in _WORD.findall(name)]
            for words in product(*({fold(spelling) for spelling in group} for group in spellings[:4])):
                self._add(words)
        for sequences in self._sequences.values():
            sequences.sort(key=len, reverse=True)
        self.words = frozenset(self._parts) | frozenset(self._sequences)

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


def find_names(text: str, indexes: Sequence[NameIndex]) -> Iterator[tuple[int, int]]:
    """Places (start, end) of names in a text: introduced ones first, then those the indexes know."""
    folded = fold(text)
    words = _WORD.findall(folded)
    met = set(words)
    yield from _introduced(text, met)
    hit = [index for index in indexes if not index.words.isdisjoint(met)]
    if hit:
        yield from _known(text, folded, words, hit)


def _known(text: str, folded: str, words: list[str], indexes: Sequence[NameIndex]) -> Iterator[tuple[int, int]]:
    """Places of known names; parts next to each other are one place."""
    starts = [match.start() for match in _WORD.finditer(folded)]
    names = {word for index in indexes for word in index.words.intersection(words)}
    position, open_start, open_end = 0, -1, -1
    while position < len(words):
        if words[position] not in names:
            position += 1
            continue
        count = max(index.length_at(words, position, text, starts[position]) for index in indexes)
        if not count:
            position += 1
            continue
        start = starts[position]
        end = starts[position + count - 1] + len(words[position + count - 1])
        if open_end >= 0 and text[open_end:start] in (" ", "-", ". ", "'", "’", "  "):
            open_end = end
        else:
            if open_end >= 0:
                yield open_start, open_end
            open_start, open_end = start, end
        position += count
    if open_end >= 0:
        yield open_start, open_end


def _introduced(text: str, met: set[str]) -> Iterator[tuple[int, int]]:
    """Places of names people introduce themselves or others with, in English, German and Spanish."""
    if not _STRONG_WORDS.isdisjoint(met):
        yield from _following(_STRONG, text, any_case=True)
    if not _TITLE_WORDS.isdisjoint(met):
        yield from _following(_TITLE, text, any_case=False)
    if not _WEAK_WORDS.isdisjoint(met):
        for match in _WEAK.finditer(text):
            end = _names_end(text, match.end(), any_case=False)
            if end is not None and _is_presented(text, match, end):
                yield match.end(), end
    if not _CLOSING_WORDS.isdisjoint(met):
        for start, end in _following(_CLOSING, text, any_case=False, start=max(0, len(text) - _CLOSING_REACH)):
            if not text[end:].strip(" .!,\n\r\t"):
                yield start, end


def _following(pattern: re.Pattern[str], text: str, *, any_case: bool, start: int = 0) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text, start):
        end = _names_end(text, match.end(), any_case=any_case)
        if end is not None:
            yield match.end(), end


def _is_presented(text: str, match: re.Match[str], end: int) -> bool:
    """Whether words after a weak opening are a name: German nouns are capitalised, so there it takes two."""
    words = len(_WORD.findall(text[match.end() : end]))
    if match.group().lower().startswith(("ich bin", "hier ist")):
        return words >= 2
    return words >= 2 or _AFTER_WEAK.match(text, end) is not None


def _names_end(text: str, position: int, *, any_case: bool) -> int | None:
    """End of up to four name words from `position`; with `any_case` the first two may be in lower case."""
    end = None
    for count in range(4):
        while count and (particle := _PARTICLE.match(text, position)):
            position = particle.end()
        match = _WORD.match(text, position)
        if match is None or not _is_name_word(match.group(), any_case=any_case and count < 2):
            break
        end = match.end()
        while end < len(text) - 1 and text[end] in "'’-" and (more := _WORD.match(text, end + 1)):
            if text[end] in "'’" and more.group() == "s":
                break
            end = more.end()
        if end >= len(text) or text[end] not in " \u00a0":
            break
        position = end + 1
    return end


def _is_name_word(word: str, *, any_case: bool) -> bool:
    if fold(word) in _STOP or (len(word) < 2 and not word.isupper()):
        return False
    if any_case:
        return True
    return word[0].isupper() and (len(word) == 1 or not word.isupper())
