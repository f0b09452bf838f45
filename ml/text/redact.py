"""Taking structured personal data out of short texts: e-mail, phone, card, IBAN and names.

Belongs here: pure functions over text and names that are handed in. Not here: where names come from and where the
original goes (`intake`). Every pattern is linear in the length of the text: anchored scans and bounded repeats only.

Without a language model a name is found only if it is known (the customer's own, an employee's) or introduced ("my name
is ...", "Herr ...", a closing line). Method: own patterns; card numbers pass the Luhn test and IBANs the mod-97 test
(python-stdnum), so order numbers and mistyped numbers stay readable.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

from stdnum import iban, luhn

from ml.text.names import NameIndex, find_names

MAX_CHARACTERS = 100_000
CUT = "[CUT]"

_LOCAL_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SPELLED_AT = re.compile(
    r"\b[\w.+-]{1,64} ?[\[(]at[\])] ?[\w-]{1,63}(?: ?(?:\.|[\[(]dot[\])]) ?[\w-]{1,63}){1,4}", re.IGNORECASE
)
# Seven digits not far from each other: less is neither a phone number nor anything longer.
_SEVEN_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,6}[0-9]){6}")
_DIGIT_RUN = re.compile(r"[0-9]+(?:[ \-\u00a0][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9]{4})")
_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "MR", "SM", "BI", "DJ"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
_PHONE = re.compile(
    r"""(?<![\w+#.,/-])(?:
      (?:\+|00)[1-9][0-9]{0,2}[ .()/-]{0,3}(?:\(0\)\ ?)?[0-9]{1,5}\)?(?:[ ./-]{0,2}[0-9]{1,5}){1,4}  # with country code
    | (?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\)\ ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}                # North America
    | \(?0[0-9]{2,4}\)?[ ./-][0-9]{3,8}(?:[ ./-]?[0-9]{2,5}){0,3}                                     # leading zero
    | 0[1-9][0-9]{8,9}
    | [6-9][0-9]{2}(?:[ .-][0-9]{3}){2} | [6-9][0-9]{2}(?:[ .-][0-9]{2}){3}                           # Spain
    | 555[ .-][0-9]{4}
    )(?![0-9])(?![ -][0-9]{3,})""",
    re.VERBOSE,
)
# A mistyped card number is no personal data and its middle is no phone number.
_CARD_SHAPE = re.compile(r"(?<![0-9])[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}(?![0-9])")
_BARE_NUMBER = re.compile(r"(?<![\w+#.,/-])[0-9]{9,12}(?![\w-])")
_PHONE_CUE = re.compile(
    r"\b(?:phone|call(?:ed)?(?: me| us)?|tel|telephone|mobile|cell|whatsapp|text me|reach(?: me)?|ring|sms|contact"
    r"|telefon|telefonnummer|handy|mobil|handynummer|anrufen|erreichbar|tel[eé]fono|m[oó]vil|celular|ll[aá]m\w{1,8})\b",
    re.IGNORECASE,
)
_OTHER_CUE = re.compile(
    r"\b(?:order|account|acct|ref|reference|case|ticket|policy|invoice|claim|tracking|contract|complaint|customer|id"
    r"|bestellung|bestellnummer|konto|kontonummer|rechnung|vertrag|auftrag|pedido|cuenta|factura|contrato)\b",
    re.IGNORECASE,
)
_CUE_REACH = 48
_TRUNK_DIGITS = (7, 15)


@dataclass(frozen=True, slots=True)
class Span:
    """Where personal data stood in the original text: `[start, end)` in characters, and its kind (`EMAIL`, ...)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without the personal data that was found, and where that stood in the original."""

    text: str
    spans: tuple[Span, ...]


def redact(text: str, known_names: Iterable[str] = (), employees: NameIndex | None = None) -> Redaction:
    """Replace personal data by `[EMAIL]`, `[PHONE]`, `[CARD]`, `[IBAN]` and `[NAME]`.

    `known_names` are names of the person the text is about (matched in any case, with or without accents);
    `employees` is an index of employee names. Of a text longer than `MAX_CHARACTERS` only that much is kept, followed
    by `[CUT]`: what was not looked at is not passed on.
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
    found: list[Span] = []
    if "@" in text:
        found.extend(_emails(text))
    if "(at)" in text or "[at]" in text:
        found.extend(Span(m.start(), m.end(), "EMAIL") for m in _SPELLED_AT.finditer(text))
    if _SEVEN_DIGITS.search(text) is not None:
        found.extend(_numbers(text))
    indexes = [index for index in (person, employees) if index is not None]
    found.extend(Span(start, end, "NAME") for start, end in find_names(text, indexes))
    if not found:
        return Redaction(text + tail, ())
    return _replace(text, tail, _without_overlap(found))


def _replace(text: str, tail: str, spans: Sequence[Span]) -> Redaction:
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], f"[{span.kind}]"]
        position = span.end
    return Redaction("".join(parts) + text[position:] + tail, tuple(spans))


_RANK = {"EMAIL": 0, "IBAN": 1, "CARD": 2, "PHONE": 3, "NAME": 4}


def _without_overlap(found: list[Span]) -> list[Span]:
    """Where spans overlap the surer kind wins, but nothing any of them covered comes back: the winner takes it all."""
    merged: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind = min(last.kind, span.kind, key=_RANK.__getitem__)
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            merged.append(span)
    return merged


def _emails(text: str) -> Iterable[Span]:
    position = text.find("@")
    while position >= 0:
        start = position
        while start > 0 and position - start < 64 and (text[start - 1] in _LOCAL_PART or text[start - 1].isalnum()):
            start -= 1
        domain = _DOMAIN.match(text, position + 1)
        if start < position and domain is not None:
            yield Span(start, domain.end(), "EMAIL")
        position = text.find("@", position + 1)


def _numbers(text: str) -> Iterable[Span]:
    yield from _ibans(text)
    for run in _DIGIT_RUN.finditer(text):
        if run.end() - run.start() >= 13:
            yield from _cards(run)
    yield from _phones(text)


def _phones(text: str) -> Iterable[Span]:
    """Numbers written as phone numbers are, and bare ones where the words before speak of a phone and of nothing else."""
    cards = [match.span() for match in _CARD_SHAPE.finditer(text)]
    for match in _PHONE.finditer(text):
        digits = sum(map(str.isdigit, match.group()))
        place = bisect.bisect_left(cards, (match.end(),)) - 1
        inside = place >= 0 and cards[place][1] > match.start()
        if _TRUNK_DIGITS[0] <= digits <= _TRUNK_DIGITS[1] and not inside:
            yield Span(match.start(), match.end(), "PHONE")
    for match in _BARE_NUMBER.finditer(text):
        before = text[max(0, match.start() - _CUE_REACH) : match.start()]
        if _last(_PHONE_CUE, before) > _last(_OTHER_CUE, before):
            yield Span(match.start(), match.end(), "PHONE")


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _cards(run: re.Match[str]) -> Iterable[Span]:
    """Card numbers in a run of digit groups: any sequence of whole groups with 13 to 19 digits that passes Luhn."""
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(run.string, run.start(), run.end())]
    first = 0
    while first < len(groups):
        digits, last = "", first
        hit = None
        while last < len(groups) and len(digits) < 20:
            digits += run.string[slice(*groups[last])]
            if 13 <= len(digits) <= 19 and _is_card(digits):
                hit = last
            last += 1
        if hit is not None:
            yield Span(groups[first][0], groups[hit][1], "CARD")
        first = first + 1 if hit is None else hit + 1


def _is_card(digits: str) -> bool:
    """Luhn-valid and in a range card schemes use; both, since one order number in ten passes Luhn."""
    schemes = digits[0] in "3456" or "2221" <= digits[:4] <= "2720"
    return schemes and bool(luhn.is_valid(digits))


def _ibans(text: str) -> Iterable[Span]:
    for match in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(match.group()[:2].upper())
        end = None if length is None else _end_of(text, match.start(), length)
        if end is not None and iban.is_valid(text[match.start() : end].replace("-", " "), check_country=False):
            yield Span(match.start(), end, "IBAN")


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits from `start` end, single spaces and hyphens between them left out of account."""
    count, position = 0, start
    while position < len(text) and count < length:
        character = text[position]
        if character.isascii() and character.isalnum():
            count += 1
        elif character not in " -\u00a0" or text[position - 1] == character:
            return None
        position += 1
    inside_word = position < len(text) and text[position].isalnum()
    return position if count == length and not inside_word else None
