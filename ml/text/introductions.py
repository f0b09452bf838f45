"""Names nobody knows yet, found by how people introduce themselves and others, in English, German and Spanish.

Belongs here: openings ("my name is", "Herr", "Viele Grüße") and what may follow them. Not here: names the company
knows (`names.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml.text.folding import WORD, fold, word_set

_STOP = word_set(
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
    why how they he she we you it myself either neither spelled spelt misspelt written listed linked mentioned attached
    incorrect correct wrong false use used copy deeply being under fraud identity
    theft obvious currently sincerely regards faithfully best thanks
    """
)
_STRONG = re.compile(
    r"\b(?:my name is|my name's|my name’s|mein name ist|ich hei(?:ß|ss)e|me llamo|mi nombre es|name:"
    r"|name on (?:the )?(?:account|card)(?: is|:))\s{1,3}",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Herr|Herrn|Frau|Sr|Sra|Srta|[Ss]eñora?|[Ss]eñorita|Don|[Dd]oña)\.?[ \u00a0](?=[^\W\d_])"
)
_CALLED = re.compile(
    r"\b(?:[Ss]igned(?: by|,|:)|[Uu]nterzeichnet:?|[Ff]irmado:?|namens|by the name of"
    r"|(?:agent|guy|dude|man|woman|lady|gentleman|person|employee|attendant|rep|representative|manager|supervisor|cashier"
    r"|clerk|teller|colleague|someone|somebody|driver|technician|nurse|doctor) named"
    r"|(?:my|our) (?:wife|husband|son|daughter|mother|father|partner|brother|sister)"
    r"|mein(?:e|em|er|en)? (?:Mann|Sohn|Tochter|Mutter|Vater|Partner|Partnerin|Bruder|Schwester)"
    r"|mi (?:mujer|marido|esposa|esposo|hijo|hija|madre|padre|hermano|hermana))\s{1,3}(?=[^\W\d_])"
)
_WEAK = re.compile(
    r"\b(?:[Ii] am|[Ii]['’]m|[Tt]his is|[Ii]ch bin|[Hh]ier ist|[Hh]ier spricht|[Ss]oy|[Ll]e habla)\s{1,3}"
    r"(?=[^\W\d_a-z])"
)
_AFTER_WEAK = re.compile(
    r"\s*(?:$|[,.!;:\n(\-–]|(?:from|calling|writing|speaking|here|again|and|und|aus|von|y|de|desde)\b)", re.IGNORECASE
)
_CLOSING = re.compile(
    r"\b(?:regards|sincerely|cheers|thanks|thank you|best wishes|yours truly|yours|gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)"
    r"|dank|mfg|lg|vg|faithfully|signed|saludos?|abrazo|atentamente|gracias|cordialmente)[,.!]{0,3}\s{1,4}(?=[^\W\d_])",
    re.IGNORECASE,
)
# "Anna here, ..." begins a text; "Nobody here" does, too, and introduces nobody.
_GREETING = re.compile(r"\s{0,3}(?i:(?:hi|hello|hey|hallo|hola)(?: there| all)?[,!. ]{1,3})?(?=[^\W\d_a-z])")
_HERE = re.compile(r"\s(?:here|hier|aquí)\s?[,.:;!–-]", re.IGNORECASE)
_HERE_WORDS = word_set("here hier aqui aquí")
_NOBODY = word_set(
    "nothing nobody none everything everyone everybody something people staff queue parking nichts niemand alle nada nadie"
    " todo todos same again back been only"
)
# Words one of which every opening holds (folded); most texts hold none and are done with at once.
_STRONG_WORDS = word_set(
    """
    name llamo nombre heise heisse heiße
    """
)
_TITLE_WORDS = word_set(
    """
    mr mrs ms miss mx dr herr herrn frau sr sra srta senor senora senorita don dona
    """
)
_CALLED_WORDS = word_set(
    """
    signed unterzeichnet firmado namens name named my our mein meine meinem meiner meinen mi
    """
)
_WEAK_WORDS = word_set(
    """
    am m this it ich hier soy habla
    """
)
_CLOSING_WORDS = word_set(
    """
    regards sincerely cheers thanks thank best yours gruse grusen grusse grussen gruesse gruessen gruese gruesen
    grus gruss dank mfg lg vg faithfully signed saludo saludos abrazo atentamente gracias cordialmente
    """
)
_CLOSING_REACH = 90
_PARTICLE = re.compile(r"(?:van|von|vom|zu|de|der|den|del|della|la|le|da|dos|di|du|bin|al|el|ter)[ ](?=[^\W\d_a-z])")


def introduced(text: str, met: set[str]) -> Iterator[tuple[int, int]]:
    """Places of names people introduce themselves or others with, in English, German and Spanish."""
    if not _STRONG_WORDS.isdisjoint(met):
        yield from _following(_STRONG, text, any_case=True)
    if not _TITLE_WORDS.isdisjoint(met):
        yield from _following(_TITLE, text, any_case=False)
    if not _CALLED_WORDS.isdisjoint(met):
        yield from _following(_CALLED, text, any_case=False)
    if not _WEAK_WORDS.isdisjoint(met):
        for match in _WEAK.finditer(text):
            end = _names_end(text, match.end(), any_case=False)
            if end is not None and _is_presented(text, match, end):
                yield match.end(), end
    if not _HERE_WORDS.isdisjoint(met):
        yield from _here(text)
    if not _CLOSING_WORDS.isdisjoint(met):
        for start, end in _following(_CLOSING, text, any_case=False, start=max(0, len(text) - _CLOSING_REACH)):
            if not text[end:].strip(" .!,\n\r\t"):
                yield start, end


def _following(pattern: re.Pattern[str], text: str, *, any_case: bool, start: int = 0) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text, start):
        end = _names_end(text, match.end(), any_case=any_case)
        if end is not None:
            yield match.end(), end


def _here(text: str) -> Iterator[tuple[int, int]]:
    greeting = _GREETING.match(text)
    end = None if greeting is None else _names_end(text, greeting.end(), any_case=False)
    if greeting is None or end is None or _HERE.match(text, end) is None:
        return
    if fold(text[greeting.end() : end]) not in _NOBODY:
        yield greeting.end(), end


def _is_presented(text: str, match: re.Match[str], end: int) -> bool:
    """Whether words after a weak opening are a name: German nouns are capitalised, so there it takes two."""
    words = len(WORD.findall(text[match.end() : end]))
    if match.group().lower().startswith(("ich bin", "hier ist")):
        return words >= 2
    return words >= 2 or _AFTER_WEAK.match(text, end) is not None


def _names_end(text: str, position: int, *, any_case: bool) -> int | None:
    """End of up to four name words from `position`; with `any_case` the first two may be in lower case."""
    end = None
    for count in range(4):
        while count and (particle := _PARTICLE.match(text, position)):
            position = particle.end()
        match = WORD.match(text, position)
        if match is None:
            break
        # O'Shea and D'Angelo: the one letter is no word of its own.
        is_prefix = match.group().isupper() and text[match.end() : match.end() + 1] in ("'", "’")
        if not is_prefix and not _is_name_word(match.group(), any_case=any_case and count < 2):
            break
        end = match.end()
        if len(match.group()) == 1 and text[end : end + 2] == ". ":
            position = end + 2
            continue
        while end < len(text) - 1 and text[end] in "'’-" and (more := WORD.match(text, end + 1)):
            if text[end] in "'’" and more.group() == "s":
                break
            end = more.end()
        if end >= len(text) or text[end] not in " \u00a0":
            break
        position = end + 1
    return end


def _is_name_word(word: str, *, any_case: bool) -> bool:
    folded = fold(word)
    # Agencies that publish complaints write XXXX where a name was.
    if folded in _STOP or (len(word) < 2 and not word.isupper()) or (len(word) > 1 and not folded.strip("x")):
        return False
    if any_case:
        return True
    return word[0].isupper() and (len(word) == 1 or not word.isupper())
