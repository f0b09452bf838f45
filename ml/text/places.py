"""Where people live and when they were born: street addresses and dates of birth in English, German and Spanish.

Belongs here: those two, found by words around a number. Not here: addresses on the net (`addresses.py`). Every pattern
is linear: it starts at a digit or a street word and has bounded repeats only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from ml.text.folding import word_set
from ml.text.spans import Span

_MONTH = r"(?:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|ene|abr|ago|dic)[a-zäé]{0,7}"
_DAY = (
    rf"(?:[0-9]{{1,4}} ?[./-] ?[0-9]{{1,2}} ?[./-] ?[0-9]{{2,4}}|[0-9]{{1,2}}(?:st|nd|rd|th|\.)? ?(?:of |de |del )?{_MONTH}\.?"
    rf",? ?(?:of |de |del )?'?[0-9]{{2,4}}|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? ?[0-9]{{2,4}}"
    r"|[0-9]{8})(?![0-9])"
)
_BORN = re.compile(
    r"\b(?:date of birth|birth ?dates?|d\.? ?o\.? ?b\b\.?|birthday|born|geboren|geb\.|geburtsdatum|geburtstag"
    r"|nac[ií]|nacid[oa]|(?:fecha de )?nacimiento|cumpleaños)"
    rf"(?:[ :=,(-]|\bis\b|\bwas\b|\bon\b|\bthe\b|\bam\b|\bist\b|\bden\b|\bel\b|\bes\b){{0,8}}(?P<value>{_DAY})",
    re.IGNORECASE,
)
_BORN_WORDS = word_set(
    "birth birthdate birthdates birthday dob b born geboren geb geburtsdatum geburtstag naci nacido nacida nacimiento "
    "cumpleanos"
)

_UK_POSTCODE = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}(?![\w-])"
_ZIP = r"[0-9]{5}(?:-[0-9]{4})?(?![0-9])"
_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Way|Terrace|Close|Crescent|Square|Sq"
    "|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Gardens|Grove|Mews|Hill|Walk|Park|Trail"
)
_TOWN = r"[A-Z][\w'.-]{1,24}(?: [A-Z][\w'.-]{1,24}){0,2}"
_TAIL = (
    r"(?:,? {1,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?[\w-]{1,6})?"
    rf"(?:,? {{1,2}}(?:{_TOWN},? {{1,2}}){{0,2}}(?:[A-Z]{{2}},? {{1,2}})?(?:{_UK_POSTCODE}|{_ZIP})|, {_TOWN}, [A-Z]{{2}}\b)?"
)
_ENGLISH = re.compile(
    r"(?<![\w$€£#.,:/-])(?:(?:Flat|Apt|Unit|Apartment)\.? \w{1,5},? )?[0-9]{1,5}[A-Za-z]?,? "
    r"(?:(?:[A-Z][\w'’.-]{0,24}|[0-9]{1,3}(?:st|nd|rd|th)|of|the) ){1,4}"
    rf"(?:{_STREET})\b\.?(?!['’]){_TAIL}"
)
_BOX = re.compile(
    rf"\b(?:P\.? ?O\.? ?Box|Postfach|Apartado(?: de correos)?) {{1,2}}[0-9]{{1,6}}(?![0-9]){_TAIL}", re.IGNORECASE
)
_BOX_WORDS = frozenset({"box", "postfach", "apartado"})
_STREET_WORDS = frozenset(_STREET.lower().split("|"))
# In small letters a street needs somebody who says that it is one.
_ENGLISH_CUED = re.compile(
    r"\b(?:live[sd]? (?:at|on)|living at|address(?: is| was|:)|moved? to"
    r"|(?:delivered|ship|shipped|sent|send it|mail it) to|resid(?:e|ing) at)"
    rf" {{1,2}}(?P<value>[0-9]{{1,5}}[a-z]?,? (?:[\w'.-]{{1,24}} ){{1,4}}(?:{_STREET})\b"
    r"(?:,? {1,2}(?:apt|unit|flat|#)\.? ?[\w-]{1,6})?)",
    re.IGNORECASE,
)
_UK_ALONE = re.compile(r"(?<![\w-])[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}(?![\w-])")

_PLACE = r"[A-ZÄÖÜ][\wäöüß-]{1,24}(?: (?:am|an der|ob der|im) [A-ZÄÖÜ]\w{1,20})?"
_HOUSE = r" {1,2}[0-9]{1,4} ?(?:[a-zA-Z](?!\w))?(?: ?[-/] ?[0-9]{1,4}[a-z]?)?(?![\w])"
_WITH_TOWN = rf"(?:,? {{1,2}}(?:D-)?[0-9]{{5}} {_PLACE})"
_GERMAN = re.compile(
    r"(?<![\w-])(?!(?:Anschrift|Adresse)\b)(?:(?!(?:Anschrift|Adresse)\b)[A-ZÄÖÜ][\wäöüß.-]{0,24}[ -]){0,2}"
    rf"(?:[A-ZÄÖÜ][\wäöüß.-]{{1,30}}(?:straße|strasse|str\.|allee|gasse|damm|ufer|chaussee)|(?:Straße|Strasse|Str\.|Allee|Gasse)){_HOUSE}{_WITH_TOWN}?"
)
_GERMAN_TOWN = re.compile(
    r"(?<![\w-])(?!(?:Anschrift|Adresse)\b)(?:(?:Am|An der|An den|Im|In der|Auf der|Auf dem|Zum|Zur|Hinter der|Unter den) )?"
    rf"(?:[A-ZÄÖÜ][\wäöüß.-]{{1,30}} ){{0,2}}[A-ZÄÖÜ][\wäöüß.-]{{1,30}}{_HOUSE}{_WITH_TOWN}"
)
_GERMAN_CUED = re.compile(
    r"\b(?:wohne(?:n|nd)?|wohnhaft|anschrift|adresse|umgezogen)"
    r"(?: (?:ist|lautet|in|im|an|am|nach|ich|wir|jetzt|der|dem)|:){0,4} {1,2}"
    r"(?P<value>[\wäöüß.-]{2,30}(?:straße|strasse|str\.|weg|platz|ring|markt|hof|allee|gasse|damm)"
    r" {1,2}[0-9]{1,4} ?(?:[a-z](?!\w))?(?!\w))",
    re.IGNORECASE,
)
_GERMAN_PARTS = ("stra", "str.", "allee", "gasse", "damm", "ufer", "chaussee")
_GERMAN_CUES = word_set("wohne wohnen wohnend wohnhaft anschrift adresse umgezogen")
_GERMAN_TOWNS = re.compile(r"[0-9] ?[a-z]?,? {1,2}(?:D-)?[0-9]{5} [A-ZÄÖÜ]")

_SPANISH_END = (
    r",? {1,2}(?:n\.?[ºo°]?\.? ?|núm(?:ero)?\.? |número )?[0-9]{1,4}(?![0-9])"
    r"(?:,? {1,2}[0-9]{1,2}\.?[ºª°o](?:\.? ?(?:[A-Z](?!\w)|izq(?:uierda)?\.?|dcha\.?|derecha))?)?"
    r"(?:,? {1,2}[0-9]{5}(?: (?:de |la |el )?[A-ZÁÉÍÓÚÑ][\wáéíóúñü]{1,24})?)?"
)
_SPANISH = re.compile(
    r"(?<!\w)(?i:C/|Calle|Avda\.?|Av\.|Avenida|Plaza|Pza\.?|Paseo|P\.?º|Camino|Carretera|Ctra\.?|Ronda|Traves[ií]a) ?"
    r"(?:(?i:de|del|la|las|los|el) ){0,2}[A-ZÁÉÍÓÚÑ][\wáéíóúñü.-]{1,24}"
    r"(?: (?:de|del|la|las|los|el|y|[A-ZÁÉÍÓÚÑ][\wáéíóúñü.-]{0,24})){0,5}" + _SPANISH_END
)
# In small letters only after somebody said that it is an address: "en la calle hace 3 horas" is none.
_SPANISH_CUED = re.compile(
    r"\b(?:vivo en|resido en|domicilio(?: es|:)?|direcci[óo]n(?: es|:)?) {1,2}(?:la |el )?"
    r"(?P<value>(?:c/|calle|avda\.?|avenida|plaza|paseo|camino) ?(?:[\wáéíóúñü.-]{1,24} ?){1,5}?" + _SPANISH_END + ")",
    re.IGNORECASE,
)
_SPANISH_STARTS = word_set("c calle avda av avenida plaza pza paseo p camino carretera ctra ronda travesia")
_CODE = re.compile(
    r"\b(?:zip(?: ?code)?|post ?code|plz|postleitzahl|c[óo]digo postal|c\.p\.)(?: (?:is|ist|lautet|es)|:){0,2} {0,2}"
    rf"(?P<value>{_UK_POSTCODE}|{_ZIP})",
    re.IGNORECASE,
)
_CODE_WORDS = word_set("zip zipcode post postcode plz postleitzahl postal")


def find_places(text: str, words: Set[str]) -> Iterator[Span]:
    """Street addresses and dates of birth in a plain text without line breaks that holds a digit."""
    if not words.isdisjoint(_BORN_WORDS):
        yield from _values(_BORN, text, "BIRTH_DATE")
    if not words.isdisjoint(_STREET_WORDS):
        yield from (Span(m.start(), m.end(), "ADDRESS") for m in _ENGLISH.finditer(text))
        yield from _values(_ENGLISH_CUED, text, "ADDRESS")
    if not words.isdisjoint(_BOX_WORDS):
        yield from (Span(m.start(), m.end(), "ADDRESS") for m in _BOX.finditer(text))
    yield from (Span(m.start(), m.end(), "ADDRESS") for m in _UK_ALONE.finditer(text))
    if not words.isdisjoint(_SPANISH_STARTS):
        yield from (Span(m.start(), m.end(), "ADDRESS") for m in _SPANISH.finditer(text))
        yield from _values(_SPANISH_CUED, text, "ADDRESS")
    if not words.isdisjoint(_CODE_WORDS):
        yield from _values(_CODE, text, "ADDRESS")
    yield from _german(text, words)


def _german(text: str, words: Set[str]) -> Iterator[Span]:
    low = text.lower()
    if any(part in low for part in _GERMAN_PARTS):
        yield from (Span(m.start(), m.end(), "ADDRESS") for m in _GERMAN.finditer(text))
    if _GERMAN_TOWNS.search(text) is not None:
        yield from (Span(m.start(), m.end(), "ADDRESS") for m in _GERMAN_TOWN.finditer(text))
    if not words.isdisjoint(_GERMAN_CUES):
        yield from _values(_GERMAN_CUED, text, "ADDRESS")


def _values(pattern: re.Pattern[str], text: str, kind: str) -> Iterator[Span]:
    return (Span(m.start("value"), m.end("value"), kind) for m in pattern.finditer(text))
