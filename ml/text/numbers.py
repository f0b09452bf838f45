"""Numbers that say by themselves what they are: payment cards, IBANs with the BIC beside them, telephone numbers.

Belongs here: shapes and checksums (ISO/IEC 7812-1 Luhn, ISO 13616 mod 97-10, ISO 9362). Not here: numbers known only
by the words before them (`identifiers.py`). Every pattern is linear: bounded repeats only.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from stdnum import iban, luhn

from ml.text.spans import Span

# Seven digits not far from each other: less is neither a phone number nor anything longer.
_SEVEN_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,6}[0-9]){6}")
_DIGIT_RUN = re.compile(r"[0-9]+(?:[ .-]{1,2}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ ]?[0-9]{2}(?=[ -]{0,2}[A-Za-z0-9]{2})")
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
_LETTERS = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# A BIC is only letters, so it counts after its own name, or close to an IBAN.
_BIC = r"[A-Z]{4}(?P<country>[A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])"
_BIC_CUED = re.compile(
    r"\b(?:[Bb][Ii][Cc]|[Ss][Ww][Ii][Ff][Tt])(?:[ /-]?(?:BIC|SWIFT|[Cc]ode))?[ :=.]{0,3}" f"(?P<value>{_BIC})"
)
_BIC_ALONE = re.compile(f"(?<![A-Za-z0-9])(?P<value>{_BIC})")
_BIC_REACH = 24
_BIC_COUNTRIES = frozenset(_IBAN_LENGTHS) | {"US", "CA", "AU", "NZ", "JP", "CN", "HK", "SG", "IN", "ZA", "MX", "KR"}
_PHONE = re.compile(
    r"""(?<![\w+#.,/-])(?:
      (?:\+|00)[1-9][0-9]{0,2}[ .()/-]{0,3}(?:\(0\)\ ?)?[0-9]{1,5}\)?(?:[ ./-]{0,2}[0-9]{1,5}){1,4}  # with country code
    | (?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\)\ ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}                # North America
    | \(?0[0-9]{2,4}\)?(?:[ ./-]|\ [/-]\ )[0-9]{3,8}(?:[ ./-]?[0-9]{2,5}){0,3}                        # leading zero
    | \(0\)\ ?[1-9][0-9]{1,4}(?:[ ./-]?[0-9]{2,6}){1,4}
    | (?:\(0[0-9]{2,4}\)|0[0-9]{2,4}\ ?/)(?:\ ?[0-9]{1,4}){2,5}
    | 0[1-9][0-9](?:[ ./-]?[0-9]{2}){3,4}
    | 0[1-9][0-9]{8,10}
    | [6-9][0-9]{2}(?:[ .-][0-9]{3}){2} | [6-9][0-9]{2}(?:[ .-][0-9]{2}){3}                           # Spain
    | 9[1-9]\ [0-9]{3}\ [0-9]{2}\ [0-9]{2}
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
    r"|bestellung|bestellnummer|konto|kontonummer|rechnung|vertrag|auftrag|vorgang|sendung"
    r"|pedido|cuenta|factura|contrato|referencia)\b",
    re.IGNORECASE,
)
_CUE_REACH = 48
_TRUNK_DIGITS = (7, 15)


def find_numbers(text: str) -> Iterator[Span]:
    """Cards, IBANs, BICs and phone numbers in a plain text without line breaks."""
    ibans = []
    if _SEVEN_DIGITS.search(text) is not None:
        ibans = list(_ibans(text))
        yield from ibans
        yield from _cards(text)
        yield from _phones(text)
    if ibans or "bic" in (low := text.lower()) or "swift" in low:
        yield from _bics(text, ibans)


def other_cue_is_nearest(text: str, start: int, cue: re.Pattern[str]) -> bool:
    """Whether the words before `start` speak of an order, a case or the like later than of what `cue` says."""
    before = text[max(0, start - _CUE_REACH) : start]
    return _last(_OTHER_CUE, before) > _last(cue, before)


def _phones(text: str) -> Iterator[Span]:
    """Numbers written as phone numbers are, and bare ones where the words before speak of a phone and of nothing else."""
    cards = [match.span() for match in _CARD_SHAPE.finditer(text)]
    for match in _PHONE.finditer(text):
        digits = sum(map(str.isdigit, match.group()))
        place = bisect.bisect_left(cards, (match.end(),)) - 1
        inside = place >= 0 and cards[place][1] > match.start()
        named_otherwise = match.group().isdigit() and other_cue_is_nearest(text, match.start(), _PHONE_CUE)
        if _TRUNK_DIGITS[0] <= digits <= _TRUNK_DIGITS[1] and not inside and not named_otherwise:
            yield Span(match.start(), match.end(), "PHONE")
    for match in _BARE_NUMBER.finditer(text):
        before = text[max(0, match.start() - _CUE_REACH) : match.start()]
        if _last(_PHONE_CUE, before) > _last(_OTHER_CUE, before):
            yield Span(match.start(), match.end(), "PHONE")


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _cards(text: str) -> Iterator[Span]:
    for run in _DIGIT_RUN.finditer(text):
        if run.end() - run.start() >= 13:
            yield from _cards_in(run)


def _cards_in(run: re.Match[str]) -> Iterator[Span]:
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


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(match.group()[:2].upper())
        end = None if length is None else _end_of(text, match.start(), length)
        if end is not None and iban.is_valid(_compact(text[match.start() : end]), check_country=False):
            yield Span(match.start(), end, "IBAN")


def _compact(text: str) -> str:
    return text.translate({32: None, 45: None, 46: None})


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits from `start` end; up to two spaces, hyphens or dots may part them."""
    count, position, gap = 0, start, 0
    while position < len(text) and count < length:
        if text[position] in _LETTERS:
            count, gap = count + 1, 0
        elif text[position] in " -." and gap < 2:
            gap += 1
        else:
            return None
        position += 1
    inside_word = position < len(text) and text[position].isalnum()
    return position if count == length and not inside_word else None


def _bics(text: str, ibans: list[Span]) -> Iterator[Span]:
    for match in _BIC_CUED.finditer(text):
        if match["country"] in _BIC_COUNTRIES:
            yield Span(match.start("value"), match.end("value"), "BIC")
    for span in ibans:
        for start, end in ((span.end, span.end + _BIC_REACH), (max(0, span.start - _BIC_REACH), span.start)):
            found = _BIC_ALONE.search(text, start, end)
            if found is not None and found["country"] in _BIC_COUNTRIES:
                yield Span(found.start(), found.end(), "BIC")
