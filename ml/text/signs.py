"""What the words of a text say by rules alone: feeling, urgency, proposal, praise, problem. Counts, not judgements.

Belongs here: reading a text word by word against the lexicon of its language, one pass for all signs. Not here: the
lexicon (`ml/text/lexicon`), and turning signs into a sentiment (`sentiment.py`) or into urgency and kind (`tone.py`).

Method: after VADER (Hutto & Gilbert 2014): valence per phrase, turned by a negation near it, raised or lowered by
adverbs of degree and capitals, with more weight on what follows "but"; ours in three languages with our own word lists.
About 9,000 tweets or 1,200 narratives of 200 words a CPU-second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.text.clauses import Place, clauses
from ml.text.lexicon import de, en, es
from ml.text.phrases import WORD, Found, PhraseBook, entries, normal

LANGUAGES = ("en", "de", "es")
KINDS = ("suggestion", "praise", "problem")
REASONS = ("urgent", "deadline", "desperate", "anger", "repeated_contact", "threat", "shouting", "exclamation")

# A negation reaches so many words ahead ("not a very good app"), and in German as many behind ("gefällt mir gar nicht").
_REACH = 4
_REACH_BEHIND = {"de": 3, "en": 0, "es": 0}
# A denied feeling is weaker than its opposite: "not bad" is no praise, "not good" less than "bad".
_DENIED = -0.6
_STRONGER, _WEAKER = 1.3, 0.7
_TURNED, _CONCEDED = 1.5, 0.5
_CONCESSIVE = frozenset({"although", "though", "obwohl", "aunque"})

Floats = NDArray[np.float64]


class Feel(NamedTuple):
    """What a phrase does to the feeling of a clause."""

    valence: float
    denies: bool
    strength: float


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The books of one language."""

    language: str
    feel: PhraseBook[Feel]
    urgency: PhraseBook[str]
    kind: PhraseBook[str]
    contrast: PhraseBook[bool]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text in words: as books write them, with their places and the number of the clause each is in."""

    text: str
    words: list[str]
    places: list[Place]
    clause_of: list[int]
    clauses: list[Place]
    language: str


class Hit(NamedTuple):
    """A phrase of the lexicon in a text: its place `[start, end)` in characters and its weight or name."""

    start: int
    end: int
    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of many texts, one row per text: `language` by place in LANGUAGES, counts of urgency reasons and kinds.

    `valence` is in [-1, 1]; `clauses` holds (lowest, highest, last) valence of a clause; `marks` (exclamation marks,
    question marks, share of capitals, words). `marked` are the words of each text, see `marked_words`.
    """

    language: NDArray[np.int8]
    valence: Floats
    mass: Floats
    clauses: Floats
    reasons: Floats
    kinds: Floats
    marks: Floats
    marked: tuple[str, ...]

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.marked)

    def features(self) -> NDArray[np.float32]:
        """All signs as one matrix for a linear model, each column roughly within -1 and 1."""
        marks = np.minimum(self.marks / np.array([3.0, 3.0, 1.0, 50.0]), 1.0)
        counts = np.minimum(np.hstack([self.reasons, self.kinds]), 3) / 3
        columns = [self.valence[:, None], np.tanh(self.mass / 3), self.clauses, counts, marks]
        return np.hstack(columns).astype(np.float32)


def read_signs(texts: Sequence[str]) -> Signs:
    """Signs of redacted texts, one row per text in order; an empty text has language `en` and zeros."""
    rows = [_signs(parse(text)) for text in texts]
    width = 3 + 3 + len(REASONS) + len(KINDS) + 4
    table = np.array([row[1] for row in rows], dtype=np.float64).reshape(len(rows), width)
    first = 6 + len(REASONS)
    return Signs(
        language=np.array([LANGUAGES.index(row[0]) for row in rows], dtype=np.int8),
        valence=table[:, 0],
        mass=table[:, 1:3],
        clauses=table[:, 3:6],
        reasons=table[:, 6:first],
        kinds=table[:, first : first + len(KINDS)],
        marks=table[:, first + len(KINDS) :],
        marked=tuple(row[2] for row in rows),
    )


def parse(text: str) -> Parsed:
    """Words, clauses and language of a text."""
    words, places = [], []
    for match in WORD.finditer(text):
        words.append(normal(match.group()))
        places.append(match.span())
    found = clauses(text)
    clause_of, number = [], 0
    for start, _ in places:
        while number + 1 < len(found) and start >= found[number + 1][0]:
            number += 1
        clause_of.append(number)
    return Parsed(text, words, places, clause_of, found, guess_language(words))


def guess_language(words: Sequence[str]) -> str:
    """The language of LANGUAGES most of whose small words are among `words`, then most of whose feelings; else `en`."""
    votes, table = [0, 0, 0], _function_words()
    for word in words:
        for place in table.get(word, ()):
            votes[place] += 1
    most = max(votes)
    leading = [place for place in range(3) if votes[place] == most]
    if len(leading) == 1:
        return LANGUAGES[leading[0]]
    known = [lexicon(LANGUAGES[place]).feel.has(words) for place in leading]
    return LANGUAGES[leading[known.index(max(known))]]


def feelings(parsed: Parsed) -> list[Hit]:
    """Every phrase that carries a feeling, with its valence after negation and degree; named by its clause number."""
    found = lexicon(parsed.language).feel.find(parsed.words)
    denials = [(begin, parsed.clause_of[begin]) for begin, _, feel in found if feel.denies]
    hits = []
    for place, (begin, end, feel) in enumerate(found):
        if not feel.valence:
            continue
        value = feel.valence * _degree(parsed, found, place)
        if denials and _is_denied(parsed, begin, end, denials):
            value *= _DENIED
        hits.append(Hit(parsed.places[begin][0], parsed.places[end - 1][1], value, str(parsed.clause_of[begin])))
    return hits


def urgencies(parsed: Parsed) -> list[Hit]:
    """Every phrase of urgency that is not denied ("not urgent"), named by its reason."""
    return _named(parsed, lexicon(parsed.language).urgency.find(parsed.words))


def kind_phrases(parsed: Parsed) -> list[Hit]:
    """Every phrase of a proposal, of praise or of a problem, named by its kind; denied ones left out."""
    return _named(parsed, lexicon(parsed.language).kind.find(parsed.words))


def marked_words(parsed: Parsed) -> str:
    """Words of a text joined by blanks, those under a negation marked: `not very good` becomes `not not_very not_good`.

    A negation holds to the end of its clause (Pang, Lee & Vaithyanathan 2002); in German for three words before it, too.
    """
    feel = lexicon(parsed.language).feel
    denials = [begin for begin, _, value in feel.find(parsed.words) if value.denies]
    behind = _REACH_BEHIND[parsed.language]
    marked: set[int] = set()
    for begin in denials:
        number = parsed.clause_of[begin]
        first = max(0, begin - behind)
        marked.update(place for place in range(first, begin) if parsed.clause_of[place] == number)
        place = begin + 1
        while place < len(parsed.words) and parsed.clause_of[place] == number and place not in marked:
            marked.add(place)
            place += 1
    plain = [word.replace("'", "") for word in parsed.words]
    return " ".join(f"not_{word}" if place in marked else word for place, word in enumerate(plain) if word)


def clause_valences(parsed: Parsed) -> Floats:
    """Valence of every clause, in [-1, 1]."""
    sums = np.zeros(len(parsed.clauses))
    for hit in feelings(parsed):
        sums[int(hit.name)] += hit.value
    return np.asarray(sums / np.sqrt(sums**2 + 15))


def _signs(parsed: Parsed) -> tuple[str, list[float], str]:
    sums = [0.0] * len(parsed.clauses)
    positive = negative = 0.0
    for hit in feelings(parsed):
        sums[int(hit.name)] += hit.value
        positive, negative = positive + max(hit.value, 0), negative + max(-hit.value, 0)
    exclaims, asks = parsed.text.count("!"), parsed.text.count("?")
    total = sum(value * weight for value, weight in zip(sums, _weights(parsed), strict=True))
    total += 0.25 * min(exclaims, 3) * (total > 0) - 0.25 * min(exclaims, 3) * (total < 0)
    squeezed = [value / (value * value + 15) ** 0.5 for value in (*sums, total)] if sums else [0.0]
    capitals = _capitals(parsed)
    reasons = dict.fromkeys(REASONS, 0.0)
    for hit in urgencies(parsed):
        reasons[hit.name] += 1
    reasons["shouting"], reasons["exclamation"] = float(capitals >= 0.3), float(min(exclaims, 3))
    kinds = dict.fromkeys(KINDS, 0.0)
    for hit in kind_phrases(parsed):
        kinds[hit.name] += 1
    own = squeezed[:-1] or [0.0]
    row = [squeezed[-1], positive, negative, min(own), max(own), own[-1], *reasons.values(), *kinds.values()]
    row += [float(exclaims), float(asks), capitals, float(len(parsed.words))]
    return parsed.language, row, marked_words(parsed)


def _weights(parsed: Parsed) -> list[float]:
    """Weight of each clause: what a "but" introduces counts more, what stands before it and a concession less."""
    weights = [1.0] * len(parsed.clauses)
    for begin, _, _ in lexicon(parsed.language).contrast.find(parsed.words):
        number = parsed.clause_of[begin]
        if begin and parsed.clause_of[begin - 1] == number:
            continue
        if parsed.words[begin] in _CONCESSIVE:
            weights[number] *= _CONCEDED
        elif number:
            weights[number - 1] *= _CONCEDED
            weights[number] *= _TURNED
    return weights


def _degree(parsed: Parsed, found: list[Found[Feel]], place: int) -> float:
    """Factor of the adverbs of degree right before a phrase, and of capitals in a text that is not all capitals."""
    begin = found[place][0]
    factor, at = 1.0, place - 1
    while at >= 0 and found[at][1] == begin and found[at][2].strength != 1:
        factor, begin = factor * found[at][2].strength, found[at][0]
        at -= 1
    start, end = parsed.places[found[place][0]]
    word = parsed.text[start:end]
    return factor * (1.2 if len(word) > 2 and word.isupper() and not parsed.text.isupper() else 1.0)


def _is_denied(parsed: Parsed, begin: int, end: int, denials: list[tuple[int, int]]) -> bool:
    number, behind = parsed.clause_of[begin], _REACH_BEHIND[parsed.language]
    count = sum(
        clause == number and (0 < begin - place <= _REACH or 0 < place - end + 1 <= behind) for place, clause in denials
    )
    return count % 2 == 1


def _named(parsed: Parsed, found: list[Found[str]]) -> list[Hit]:
    if not found:
        return []
    feel = lexicon(parsed.language).feel
    denials = [(begin, parsed.clause_of[begin]) for begin, _, value in feel.find(parsed.words) if value.denies]
    return [
        Hit(parsed.places[begin][0], parsed.places[end - 1][1], 1.0, name)
        for begin, end, name in found
        if name and not (denials and _is_denied(parsed, begin, end, denials))
    ]


def _capitals(parsed: Parsed) -> float:
    """Share of words of three letters and more in capitals; 0 below three such words: an abbreviation is no shout."""
    longer = [parsed.text[start:end] for start, end in parsed.places if end - start > 2 and parsed.text[start] != "["]
    return sum(word.isupper() for word in longer) / len(longer) if len(longer) >= 3 else 0.0


@cache
def lexicon(language: str) -> Lexicon:
    """The books of a language of LANGUAGES."""
    data: ModuleType = {"en": en, "de": de, "es": es}[language]
    return Lexicon(
        language=language,
        feel=_feel_book(data),
        urgency=PhraseBook(_by_name(data, "URGENCY")),
        kind=PhraseBook(_by_name(data, "KIND")),
        contrast=PhraseBook(dict.fromkeys(entries(data.CONTRAST), True)),
    )


def _by_name(data: ModuleType, group: str) -> dict[str, str]:
    """Name of each phrase of a group; "no problem" is entered without a name, so that its words count for nothing."""
    groups: dict[str, str] = getattr(data, group)
    named = {phrase: name for name, text in groups.items() for phrase in entries(text)}
    return named | dict.fromkeys(entries(data.NO_DENIAL), "")


def _feel_book(data: ModuleType) -> PhraseBook[Feel]:
    # Whoever is angry, desperate, threatens or writes again is not content, whatever else the words mean.
    unhappy = (data.URGENCY[name] for name in ("anger", "desperate", "threat", "repeated_contact"))
    valence: dict[str, float] = {phrase: -1.0 for text in unhappy for phrase in entries(text)}
    valence |= {phrase: float(value) for value, text in data.VALENCE.items() for phrase in entries(text)}
    denies = set(entries(data.NEGATIONS))
    degree = dict.fromkeys(entries(data.WEAKER), _WEAKER) | dict.fromkeys(entries(data.STRONGER), _STRONGER)
    book = {
        phrase: Feel(valence.get(phrase, 0.0), phrase in denies, degree.get(phrase, 1.0))
        for phrase in [*valence, *sorted(denies), *degree]
    }
    return PhraseBook(book | dict.fromkeys(entries(data.NO_DENIAL), Feel(0.0, False, 1.0)))


@cache
def _function_words() -> dict[str, tuple[int, ...]]:
    votes: dict[str, tuple[int, ...]] = {}
    for place, data in enumerate((en, de, es)):
        for word in entries(data.FUNCTION_WORDS):
            votes[word] = (*votes.get(word, ()), place)
    return votes
