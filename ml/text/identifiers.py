"""Numbers of the state and of banks that tell who somebody is, vehicle plates, and secrets.

Belongs here: US SSN and ITIN, German tax numbers, Spanish DNI and NIE, UK National Insurance numbers, passports, cards
and licences, bank accounts and wallets, plates, passwords and keys. Not here: what says by itself what it is and has
no kind of its own in a country (`numbers.py`).

Method: a checksum where there is one (python-stdnum: ISO 7064 mod 11,10 for the IdNr, mod 23 for DNI and NIE, the area
and group rules of SSN and ITIN, base58check and bech32 for wallets); elsewhere the words before the number must name
it. Numbers of orders, cases, invoices and customers stay readable: the company's own references identify nobody
outside it, and whoever works a case needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from stdnum import bitcoin
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.us import itin, ssn

from ml.text.folding import word_set
from ml.text.numbers import other_cue_is_nearest
from ml.text.spans import Span

# Between the name of a number and the number: "is", ":", "no.", "lautet", at most five of them.
_LINK = (
    r"(?:[ ]{0,2}(?:\bis\b|\bwas\b|\bist\b|\blautet\b|\bwar\b|\bes\b|\bnumber\b|\bno\b\.?|\bnr\b\.?|\bnummer\b"
    r"|\bn[úu]m(?:ero)?\b\.?|\bn\.?[º°]|\bdigits\b|[#:=(-])){0,5}[ ]{0,2}"
)
_DATE = re.compile(r"(?:[0-9]{4}[-. ][0-9]{2}[-. ][0-9]{2}|[0-9]{2}[-. ][0-9]{2}[-. ](?:19|20)[0-9]{2})$")
_NEVER = re.compile(r"(?!)")


def _always(_: str) -> bool:
    return True


def _has_digits(value: str) -> bool:
    return any(map(str.isdigit, value))


def _no_date(value: str) -> bool:
    return _DATE.match(value) is None


@dataclass(frozen=True, slots=True)
class _Cued:
    """Values of a kind that follow their name: `words` (folded) of which every such text holds one, and the pattern.

    The pattern has a group `value`; a value `accepts` turns down stays.
    """

    kind: str
    words: frozenset[str]
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool] = _always


def _cued(kind: str, words: str, name: str, value: str, accepts: Callable[[str], bool] = _always) -> _Cued:
    return _Cued(kind, word_set(words), re.compile(rf"\b(?:{name}){_LINK}(?P<value>{value})", re.I), accepts)


_TOKEN = r"(?:[A-Z]{1,3} (?=[0-9]{5}))?[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9])){4,19}(?![\w-])"
_DIGITS = r"[0-9](?:[ -]?[0-9]){5,16}(?![0-9])"
# Upper case whatever the case of the words before: "the plate was cut" names no plate.
_PLATE = r"(?-i:[A-ZÄÖÜ0-9]{1,8}(?:[ -][A-ZÄÖÜ0-9]{1,5}){0,2}(?![\w-]))"

_CUED = (
    _cued("SSN", "ssn ss social", r"ssn|s\.s\.n\.|ss(?=[ ]?[#n])|social(?: security)?(?: num(?:ber)?)?",
          r"[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{4}(?![0-9])"),
    _cued("SSN", "ssn social", r"last (?:4|four)(?: digits?)?(?: of)?(?: my| the| his| her)? (?:ssn|social(?: security)?)"
          r"(?: num(?:ber)?)?", r"[0-9]{4}(?![0-9])"),
    _cued("TAX_ID", "steuernummer steuernr stnr st steuer utr itin tin idnr",
          r"steuer-?(?:nummer|nr\.?)|st\.?-?nr\.?|utr|itin|tin",
          r"[0-9]{2,3}[ /]?[0-9]{3}[ /]?[0-9]{4,5}(?![0-9])"),
    _cued("TAX_ID", "steuer steueridentifikationsnummer steuerid identifikationsnummer idnr idnummer",
          r"steuer-?id(?:entifikationsnummer|nr)?\.?|identifikationsnummer|idnr\.?", r"[0-9](?:[ ]?[0-9]){10}(?![0-9])"),
    _cued("ID_NUMBER", "passport reisepass reisepassnummer pass passnummer pasaporte",
          r"passport|reisepass(?:nummer|nr\.?)?|passnummer|pass-?nr\.?|pasaporte", _TOKEN, _has_digits),
    _cued("ID_NUMBER", "personalausweis personalausweisnummer ausweis ausweisnummer identity national id dni nie nif identidad",
          r"(?:personal)?ausweis(?:nummer|nr\.?)?|identity card|national id(?:entity)?|id card|dni|nif|nie"
          r"|documento(?: nacional)? de identidad", _TOKEN, _has_digits),
    _cued("ID_NUMBER", "license licence licencia driving drivers driver fuhrerschein fuhrerscheinnummer permiso carnet",
          r"driv(?:er['’]?s?|ing) licen[cs]e|f[üu]e?hrerschein(?:nummer|nr\.?)?|(?:permiso|licencia|carnet) de conducir",
          _TOKEN + r"(?: (?=[A-Z]{0,5}[0-9])[A-Z0-9]{4,8}(?![\w-])){0,2}", _has_digits),
    _cued("ID_NUMBER", "insurance nino ni", r"national insurance|nino|ni number",
          r"[A-Z]{2}[ ]?(?:[0-9]{2}[ ]?){3}[A-D](?!\w)"),
    _cued("ACCOUNT", "account acct acc konto kontonummer kontonr kto cuenta",
          r"account|acct\.?|acc\.?|konto(?:nummer)?|konto-?nr\.?|kto\.?|cuenta", _DIGITS, _no_date),
    _cued("ACCOUNT", "sort sortcode", r"sort(?: ?code)?", r"[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}(?![0-9])"),
    _cued("ACCOUNT", "routing aba blz bankleitzahl", r"routing|aba|blz|bankleitzahl",
          r"[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{2,3}(?![0-9])"),
    _cued("PLATE", "plate plates registration reg kennzeichen nummernschild autokennzeichen matricula",
          r"(?:licen[cs]e |number )?plates?|registration|reg\.?|(?:auto)?kennzeichen|nummernschild|matr[íi]cula",
          _PLATE, lambda value: _has_digits(value) and len(value) >= 5 and any(map(str.isalpha, value))),
    _cued("SECRET", "pin geheimzahl", r"pin(?: code)?|geheimzahl", r"[0-9]{4,6}(?![\w-])"),
    _cued("SECRET", "cvv cvc cvv2 security sicherheitscode prufziffer kartenprufnummer seguridad",
          r"cv[vc]2?|security code|sicherheitscode|pr[üu]fziffer|kartenpr[üu]fnummer|c[óo]digo de seguridad",
          r"[0-9]{3,4}(?![\w-])"),
    _cued("SECRET", "tan otp verification time access einmalcode verificacion",
          r"tan|otp|verification code|(?:one[- ]time|access) (?:pass)?code|einmalcode|c[óo]digo de verificaci[óo]n",
          r"[0-9]{4,8}(?![\w-])"),
)  # fmt: skip
# Said of a password it must be said with ":" or "is", and hold a digit: "my password expired" tells nothing.
_PASSWORD = re.compile(
    r"\b(?:password|passwort|kennwort|pwd|passcode|pass ?phrase|contraseña|clave)\b"
    r"(?: (?:is|was|ist|lautet|war|es|era)\b)?[ ]?[:=]?[ ]?[\"'“„]?(?P<value>(?=\S{0,60}[0-9])\S{6,64})",
    re.IGNORECASE,
)
_PASSWORD_WORDS = frozenset(
    {"password", "passwort", "kennwort", "pwd", "passcode", "passphrase", "contrasena", "clave"}
)

# Six digits close together: without them there is none of what follows.
_SIX_DIGITS = re.compile(r"[0-9](?:[ .-]?[0-9]){5}")
_LONG_TOKEN = re.compile(r"[013b][0-9A-Za-z]{25}")
_SSN = re.compile(r"(?<![\w.-])[0-9]{3}([ -])[0-9]{2}\1[0-9]{4}(?![\w-])")
_IDNR = re.compile(r"(?<![\w./-])(?:[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}|[0-9]{11})(?![\w-])")
_IDNR_CUE = re.compile(r"steuer|identifikation|idnr|tax", re.IGNORECASE)
_DNI = re.compile(r"(?<![\w-])(?:[0-9]{8}|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}|[XYZ][ -]?[0-9]{7})[ -]?[A-Z](?![\w-])", re.I)
_NINO = re.compile(
    r"(?<![\w-])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[0-9]{6}| [0-9]{2} [0-9]{2} [0-9]{2} )[A-D]"
    r"(?![\w-])"
)
_WALLET = re.compile(r"(?<!\w)(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,62}|[13][1-9A-HJ-NP-Za-km-z]{25,34})(?!\w)")
_KEY_STARTS = (
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "xox",
    "eyJ",
    "AIza",
    "KEY-----",
)
_KEY = re.compile(
    r"(?<![\w-])(?:[spr]k_(?:live|test)_[0-9A-Za-z]{10,200}|sk-[\w-]{16,200}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pos]_[0-9A-Za-z]{20,255}|github_pat_\w{20,255}|xox[abprs]-[0-9A-Za-z-]{10,255}|AIza[\w-]{35}"
    r"|eyJ[\w-]{8,2000}\.[\w-]{8,4000}(?:\.[\w-]{0,2000})?)"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,8000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_END_MARKS = ".,;:!?)\"'”“"


def find_identifiers(text: str, words: Set[str]) -> Iterator[Span]:
    """Identifiers and secrets in a plain text without line breaks; `words` are its words, folded."""
    if any(start in text for start in _KEY_STARTS):
        yield from (Span(m.start(), m.end(), "SECRET") for m in _KEY.finditer(text))
    if not words.isdisjoint(_PASSWORD_WORDS):
        for match in _PASSWORD.finditer(text):
            value = match["value"].rstrip(_END_MARKS)
            if len(value) >= 6 and "[" not in value:
                yield Span(match.start("value"), match.start("value") + len(value), "SECRET")
    for rule in _CUED:
        if not words.isdisjoint(rule.words):
            for match in rule.pattern.finditer(text):
                if rule.accepts(match["value"]):
                    yield Span(match.start("value"), match.end("value"), rule.kind)
    yield from _checked(text)


def _checked(text: str) -> Iterator[Span]:
    """What a checksum or the rules of its issuer confirm, whatever stands before it."""
    if _SIX_DIGITS.search(text) is not None:
        yield from _state_numbers(text)
    if _LONG_TOKEN.search(text) is not None:
        for match in _WALLET.finditer(text):
            if match.group().startswith("0x") or bitcoin.is_valid(match.group()):
                yield Span(match.start(), match.end(), "ACCOUNT")


def _state_numbers(text: str) -> Iterator[Span]:
    for match in _SSN.finditer(text):
        if ssn.is_valid(_joined(match.group())):
            yield Span(match.start(), match.end(), "SSN")
        elif itin.is_valid(_joined(match.group())):
            yield Span(match.start(), match.end(), "TAX_ID")
    for match in _IDNR.finditer(text):
        if idnr.is_valid(match.group()) and not other_cue_is_nearest(text, match.start(), _IDNR_CUE):
            yield Span(match.start(), match.end(), "TAX_ID")
    for match in _DNI.finditer(text):
        value = _joined(match.group()).replace(".", "")
        known = dni.is_valid(value) or nie.is_valid(value)
        if known and not other_cue_is_nearest(text, match.start(), _NEVER):
            yield Span(match.start(), match.end(), "ID_NUMBER")
    for match in _NINO.finditer(text):
        if not other_cue_is_nearest(text, match.start(), _NEVER):
            yield Span(match.start(), match.end(), "ID_NUMBER")


def _joined(value: str) -> str:
    return value.replace(" ", "").replace("-", "")
