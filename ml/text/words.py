"""Words of a text as topic models count them.

Belongs here: cleaning, stop words and surface forms for word statistics in English, German and Spanish. Not here:
redaction (masks are already in the text and are only ignored here) and vectors (`embed.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from types import MappingProxyType

# Marks left by redaction, the CFPB's (XXXX, XX/XX/2023, {$500.00}) and ours ([EMAIL], <CARD_1>): they say nothing
# about the subject and would lead every list of words. So would the account a public post is addressed to.
_MASKS = re.compile(
    r"\{\$?[\d.,\s]*\}|@\w+|\[[A-Z][A-Z0-9_ ]*\]|<[A-Z][A-Z0-9_ ]*>|\b[Xx]{2,}(?:[/\-.][Xx\d]+)*\b|https?://\S+"
)
_MASK_SIGNS = ("{", "@", "[", "<", "xx", "XX", "Xx", "xX", "://")
_APOSTROPHE = re.compile(r"['’`´]")
_WORD = re.compile(r"[^\W\d_]+")
# Between two texts; not white space, so that no mask reaches from one text into the next.
BREAK = "\0"
_OTHER_LETTER = re.compile(r"[^\W\d_\x00-\xff]")
_WORD_OR_BREAK = re.compile(rf"[^\W\d_]+|{BREAK}")

# Latin-1 bytes with letters in lower case, breaks kept and everything else blank.
_LETTERS = bytes(
    chr(code).lower().encode("latin-1")[0] if _WORD.match(chr(code)) else 0 if chr(code) == BREAK else 32
    for code in range(256)
)
_PLAIN_APOSTROPHES = "'`´".encode("latin-1")
_BREAK_APART = f" {BREAK} ".encode()

_ENGLISH = """
a about above after again against ago all almost along already also although always am an and another any anyone
anything are aren arent around as ask asked asking at away back be became because been before being below best better
between both but by call called calling came can cannot cant come could couldnt day days did didnt different do does
doesnt doing don done dont down due during each either else end ended enough even ever every everything far few finally
first for from full further gave get gets getting give given go goes going gone good got had hadnt has hasnt have havent
having he hello help her here hers herself hi him himself his hour hours how however i id if ill im in instead into is
isnt it its itself ive just keep kept know last least left less let like literally little long look lot made make makes
making many matter may maybe me mean might month months more most much must my myself need needed never new next no nor
not nothing now of off often ok on once one only onto or other others our ours out over own part people per please point
possible put quite rather re really reason receive received regarding right said same saw say saying says second see
seems seen send sent several she should shouldnt show shows since so some someone something soon spoke start started
stated states still stop such sure take taken takes talk tell than thank thanks that thats the their theirs them then
there these they theyre thing things think third this those though three through thus till time times to today together
told too took toward tried try trying twice two under until up upon us use used using ve very via want wanted wants was
wasnt way we week weeks well went were werent what when where whether which while who whole whom whose why will with
within without wont work would wouldnt year years yes yesterday yet you your yours yourself dear sir madam hereby also able
actually complain complained complaint complaints immediately
multiple number however therefore regards sincerely kindly etc usa tomorrow morning
"""
_GERMAN = """
aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bitte da damit dann das
dass dein dem den denn der des dich die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen
einer eines er es etwas euch euer für gegen gibt hab habe haben hallo hat hatte hatten hier ich ihm ihn ihnen ihr ihre
ihrem ihren ihrer im immer in ist ja jede jedem jeden jeder jetzt kann kein keine keinen können könnte man mehr mein
meine meinem meinen meiner mich mir mit muss nach nicht nichts noch nun nur ob oder ohne schon sehr seit sein seine
sich sie sind so sondern über um und uns unser unsere unter viel vom von vor wann war waren warum was weil wenn
wer werde werden wie wieder will wir wird wo wurde wurden zu zum zur zwei tage tagen wochen uhr heute gestern morgen mal einfach
geehrte geehrter damen herren grüße grüßen danke schreibe
"""
_SPANISH = """
al algo ante antes aunque aquí así aún cada casi como con cuando de del desde después día días donde dos durante el él
ella ellos en entre era eran es esa ese eso esta está están estar este esto estos estoy fue fueron ha había hace hacer
han has hasta hay he hola hoy la las le les lo los más me mi mis mucho muy nada ni no nos nosotros nunca o otra otro
para pero poco por porque pues que qué quien se sea ser si sí sido sin sobre solo son soy su sus también tan tanto te
tengo tiene tienen todavía todo todos tu tuve un una unas uno unos usted ustedes va vez veces y ya yo gracias favor
horas semana semanas mes meses ayer mañana siempre
atentamente saludos escribo señores estimados
"""
LANGUAGES = MappingProxyType(
    {"en": frozenset(_ENGLISH.split()), "de": frozenset(_GERMAN.split()), "es": frozenset(_SPANISH.split())}
)
STOP_WORDS = frozenset().union(*LANGUAGES.values())


def words_of(text: str) -> list[str]:
    """Lower-case words in order, stop words included, masks and digits left out."""
    return _WORD.findall(_APOSTROPHE.sub("", _MASKS.sub(" ", text)).lower())


def joined_words(texts: Iterable[str]) -> list[str]:
    """`words_of` all texts in one pass, with BREAK between one text and the next."""
    whole = BREAK.join(text.replace(BREAK, " ") for text in texts)
    # The pattern of masks tries every letter; most corpora hold none of the signs every mask has.
    if any(sign in whole for sign in _MASK_SIGNS):
        whole = _MASKS.sub(" ", whole)
    # English, German and Spanish fit in one byte a letter, and bytes are taken apart three times faster.
    if _OTHER_LETTER.search(whole):
        return _WORD_OR_BREAK.findall(_APOSTROPHE.sub("", whole).lower())
    plain = whole.replace("’", "").encode("latin-1", errors="replace")
    return plain.translate(_LETTERS, _PLAIN_APOSTROPHES).replace(BREAK.encode(), _BREAK_APART).decode("latin-1").split()


def content_words(text: str) -> str:
    """The words that carry a subject, joined by blanks (empty when there are none)."""
    return " ".join(word for word in words_of(text) if _carries(word))


def _carries(word: str) -> bool:
    return len(word) > 1 and word not in STOP_WORDS


def surface_forms(texts: Iterable[str], terms: Sequence[str]) -> dict[str, str]:
    """How people most often write each term: `charged fee` becomes `charged a fee`.

    A term is one or more content words. One never seen keeps its own spelling; of equally frequent forms the shortest
    wins, then the first by alphabet.
    """
    wanted: dict[tuple[str, ...], Counter[str]] = {tuple(term.split(" ")): Counter() for term in terms if " " in term}
    lengths = sorted({len(words) for words in wanted})
    for text in texts:
        words = words_of(text)
        content = [place for place, word in enumerate(words) if _carries(word)]
        for length in lengths:
            for begin in range(len(content) - length + 1):
                places = content[begin : begin + length]
                counter = wanted.get(tuple(words[place] for place in places))
                if counter is not None and places[-1] - places[0] <= length + 1:
                    counter[" ".join(words[places[0] : places[-1] + 1])] += 1
    best = {
        " ".join(term): min(counter, key=lambda form: (-counter[form], len(form), form))
        for term, counter in wanted.items()
        if counter
    }
    return {term: best.get(term, term) for term in terms}
