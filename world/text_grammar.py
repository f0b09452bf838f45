"""The grammar: makes texts for many rows at once and keeps what is true of each, with the place of every planted personal datum.

Belongs here: which phrases make a text and in what order. Not here: the phrases (world/phrases), spelling noise
(text_noise.py) and values of personal data (pii.py). Positions count characters of the unescaped column value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world import pii
from world.config import RATES, Company
from world.customers import Customers
from world.draws import Bools, Ints
from world.phrase_tables import Table, Wording, make_wording, say, scatter
from world.text_noise import misspell, sentence, shout_or_mumble
from world.workforce import Workforce

COMPLAINT, MILD, PRAISE = range(3)
TONES = ("complaint", "mild", "praise")
_KIND_WEIGHTS = (0.22, 0.24, 0.12, 0.12, 0.20, 0.10)


@dataclass(frozen=True)
class Brief:
    """What texts must be about, one entry per row. `customer` may be -1 (unknown); `short` texts have one or two parts."""

    cause: NDArray[np.int64]
    language: NDArray[np.int64]
    tone: NDArray[np.int64]
    customer: NDArray[np.int64]
    agent: NDArray[np.int64]
    short: Bools

    def __len__(self) -> int:
        return len(self.cause)


@dataclass(frozen=True)
class Spans:
    """Planted values: row of the batch, kind (index into KINDS + DECOYS), start and end character, value."""

    row: Ints
    kind: Ints
    start: Ints
    end: Ints
    value: pa.Array


@dataclass(frozen=True)
class Texts:
    """A batch of texts and what is true of each. `second` is a further true cause or -1; `denied` a cause named only to deny it.

    `tone` is that of the whole text, or -1 where staff wrote it or it is a line of its own (subject, title).
    """

    text: pa.Array
    cause: Ints
    second: Ints
    denied: Ints
    language: Ints
    sarcastic: Bools
    vague: Bools
    misspelt: Bools
    spans: Spans
    tone: Ints


class Grammar:
    """Writes texts of one company; holds its tables, people and staff."""

    def __init__(self, company: Company, people: Customers, force: Workforce) -> None:
        self.company, self.people, self.force = company, people, force
        self.wording: Wording = make_wording(company)

    def customer_texts(self, brief: Brief, rng: np.random.Generator) -> Texts:
        """Texts in the customer's voice: complaints, lukewarm remarks and praise."""
        n = len(brief)
        angry = brief.tone == COMPLAINT
        lot = rng.random((8, n))
        second = np.where(angry & (lot[0] < RATES.multi_issue_share) & ~brief.short, self._other(brief.cause, rng), -1)
        denied = np.where(angry & (lot[1] < RATES.negation_share), self._other(brief.cause, rng), -1)
        denied = np.where(denied == second, -1, denied)
        sarcastic = angry & (lot[2] < RATES.sarcasm_share)
        vague = angry & (lot[3] < RATES.vague_share)
        misspelt = lot[4] < RATES.typo_share
        long = ~brief.short
        hinted = (brief.tone == MILD) & (lot[0] < 0.40)
        more = (brief.tone == PRAISE) & (lot[1] < 0.45)
        say_ = _Speaker(self.wording, brief, rng)
        opener = say_.plain("opener", np.where(long, 0.72, 0.30) > lot[5], angry)
        core = self._core(say_, angry, vague, hinted)
        capital = pc.match_substring_regex(opener, r"(^|[.?!])$").to_numpy(zero_copy_only=False) & (lot[6] < 0.85)
        extra = sentence(say_.cause("core", second >= 0, second), np.zeros(n, dtype=bool), rng)
        pieces: list[_Piece] = [
            _Piece(opener),
            _Piece(say_.plain("mild", brief.tone == MILD)),
            _Piece(say_.plain("sarcasm_before", sarcastic & (lot[7] < 0.6))),
            _Piece(sentence(core, capital, rng)),
            _Piece(sentence(say_.cause("praise", more, self._other(brief.cause, rng)), more, rng)),
            _Piece(
                say_.cause(
                    "detail",
                    angry & ~(vague & (lot[6] < 0.6)) & (rng.random(n) < np.where(long, 0.75, 0.20)),
                    brief.cause,
                )
            ),
            _Piece(pc.if_else(pa.array(second >= 0), say_.plain("link", second >= 0), "")),
            _Piece(extra),
            _Piece(say_.plain("negation", denied >= 0, topic=denied)),
            *self._planted(say_, rng.random(n) < RATES.pii_share, rng),
            _Piece(say_.plain("consequence", angry & (rng.random(n) < np.where(long, 0.72, 0.18)))),
            _Piece(say_.plain("ask", angry & (rng.random(n) < np.where(long, 0.66, 0.10)))),
            *self._planted(say_, rng.random(n) < RATES.second_pii_share, rng),
            *self._decoys(say_, long & (rng.random(n) < RATES.decoy_share), rng),
            _Piece(say_.plain("sarcasm_after", sarcastic & (lot[7] >= 0.35))),
            _Piece(say_.plain("closer", angry & (rng.random(n) < np.where(long, 0.60, 0.15)))),
            _Piece(say_.plain("praise_close", (brief.tone == PRAISE) & (rng.random(n) < 0.6))),
        ]
        text, spans = _join(_noisy(pieces, misspelt, rng), rng)
        cause = np.where(angry | hinted, brief.cause, -1)
        return Texts(text, cause, second, denied, brief.language, sarcastic, vague, misspelt, spans, brief.tone)

    def staff_texts(
        self,
        brief: Brief,
        rng: np.random.Generator,
        parts: tuple[str, ...],
        chances: tuple[float, ...],
        pii_share: float,
    ) -> Texts:
        """English texts in the staff's voice, of the named tables one after the other, each present with its chance."""
        n = len(brief)
        english = Brief(brief.cause, np.zeros(n, dtype=np.int64), brief.tone, brief.customer, brief.agent, brief.short)
        say_ = _Speaker(self.wording, english, rng)
        pieces = [
            _Piece(say_.plain(p, rng.random(n) < c, topic=brief.cause)) for p, c in zip(parts, chances, strict=True)
        ]
        pieces[1:1] = self._planted(say_, rng.random(n) < pii_share, rng)
        text, spans = _join(pieces, rng)
        return _plain_texts(english, text, spans)

    def lines(self, brief: Brief, rng: np.random.Generator, table: str) -> Texts:
        """One phrase per row from a table of the customer's language (follow-ups, review titles)."""
        say_ = _Speaker(self.wording, brief, rng)
        text = say_.plain(table, np.ones(len(brief), dtype=bool), topic=brief.cause)
        return _plain_texts(brief, text, _no_spans())

    def subjects(self, brief: Brief, rng: np.random.Generator) -> Texts:
        """Ticket subjects: usually about the cause, sometimes saying nothing."""
        say_ = _Speaker(self.wording, brief, rng)
        plain = rng.random(len(brief)) < 0.22
        named, empty = say_.cause("subject", ~plain, brief.cause), say_.plain("subject_plain", plain)
        return _plain_texts(brief, pc.binary_join_element_wise(named, empty, ""), _no_spans())

    def _other(self, cause: Ints, rng: np.random.Generator) -> Ints:
        causes = len(self.company.causes)
        return np.where(cause < 0, -1, (np.maximum(cause, 0) + 1 + rng.integers(0, causes - 1, len(cause))) % causes)

    def _core(self, say_: _Speaker, angry: Bools, vague: Bools, hinted: Bools) -> pa.Array:
        tone, cause = say_.brief.tone, say_.brief.cause
        parts = [
            say_.cause("core", angry & ~vague, cause),
            say_.plain("vague", vague),
            say_.cause("core", hinted, cause),
            say_.cause("praise", tone == PRAISE, cause),
        ]
        return pc.binary_join_element_wise(*parts, "")

    def _planted(self, say_: _Speaker, present: Bools, rng: np.random.Generator) -> list[_Piece]:
        brief = say_.brief
        weights = np.cumsum(_KIND_WEIGHTS) / sum(_KIND_WEIGHTS)
        kind = np.minimum(np.searchsorted(weights, rng.random(len(brief)), side="right"), len(pii.KINDS) - 1)
        own = np.isin(kind, (0, 1, 4))
        return self._carried(say_, np.where(present & ~(own & (brief.customer < 0)), kind, -1), rng)

    def _decoys(self, say_: _Speaker, present: Bools, rng: np.random.Generator) -> list[_Piece]:
        kind = len(pii.KINDS) + rng.integers(0, len(pii.DECOYS), len(say_.brief))
        return self._carried(say_, np.where(present, kind, -1), rng)

    def _carried(self, say_: _Speaker, kind: Ints, rng: np.random.Generator) -> list[_Piece]:
        """Three pieces: the words before a planted value, the value, and the words after it."""
        n = len(kind)
        before, value, after = [], [], []
        for k in np.unique(kind[kind >= 0]):
            rows = np.flatnonzero(kind == k)
            table: Table = self.wording.plain[pii.CARRIERS[k]]
            phrase = pa.array(table.draw(rng, say_.brief.language[rows]))
            before.append((rows, table.texts[0].take(phrase)))
            after.append((rows, pc.binary_join_element_wise(table.texts[1].take(phrase), " ", "")))
            values = pii.values(
                int(k), rng, self.company, self.people, say_.brief.customer[rows], self.force, say_.brief.agent[rows]
            )
            value.append((rows, values))
        return [
            _Piece(scatter(n, before), glued=True),
            _Piece(scatter(n, value), glued=True, kind=kind),
            _Piece(scatter(n, after), glued=True),
        ]


@dataclass(frozen=True)
class _Piece:
    """A part of every text. `glued` parts have no blank after them; `kind` marks planted values (never changed by noise)."""

    text: pa.Array
    glued: bool = False
    kind: Ints | None = None


class _Speaker:
    """Draws phrases for the rows of one brief."""

    def __init__(self, wording: Wording, brief: Brief, rng: np.random.Generator) -> None:
        self.wording, self.brief, self.rng = wording, brief, rng

    def plain(self, table: str, present: Bools, angry: Bools | None = None, topic: Ints | None = None) -> pa.Array:
        """A phrase of a shared table where present; openers of praise come from their own table."""
        if angry is not None:
            calm = self.plain("praise_open", present & (self.brief.tone == PRAISE))
            return pc.binary_join_element_wise(self.plain(table, present & angry), calm, "")
        rows = np.flatnonzero(present)
        about = self.brief.cause if topic is None else topic
        language = self.brief.language[rows]
        return say(
            self.wording, self.wording.plain[table], self.rng, rows, len(self.brief), language, language, about[rows]
        )

    def cause(self, table: str, present: Bools, cause: Ints) -> pa.Array:
        """A phrase about a cause where present."""
        rows = np.flatnonzero(present & (cause >= 0))
        language = self.brief.language[rows]
        group = language * self.wording.causes + cause[rows]
        return say(
            self.wording, self.wording.cause[table], self.rng, rows, len(self.brief), group, language, cause[rows]
        )


def _noisy(pieces: list[_Piece], misspelt: Bools, rng: np.random.Generator) -> list[_Piece]:
    case = rng.random(len(misspelt))
    rows, lower, upper = np.flatnonzero(misspelt), np.flatnonzero(case < 0.05), np.flatnonzero(case > 0.98)
    out = []
    for piece in pieces:
        fixed = piece.kind is not None
        text = piece.text if fixed else shout_or_mumble(misspell(piece.text, rows, rng), lower, upper)
        out.append(_Piece(text, piece.glued, piece.kind))
    return out


def _join(pieces: list[_Piece], rng: np.random.Generator) -> tuple[pa.Array, Spans]:
    """Join the pieces with blanks (sometimes line breaks) and note where planted values stand."""
    n = len(pieces[0].text)
    gap = pa.array(np.where(rng.random(n) < 0.04, "\n\n", " "))
    joined, found = [], []
    at = np.zeros(n, dtype=np.int64)
    for piece in pieces:
        length = pc.utf8_length(piece.text).to_numpy(zero_copy_only=False).astype(np.int64)
        if piece.kind is not None:
            rows = np.flatnonzero(length > 0)
            found.append((rows, piece.kind[rows], at[rows], at[rows] + length[rows], piece.text.take(pa.array(rows))))
        text = piece.text
        if not piece.glued:
            text = pc.if_else(pc.greater(pc.utf8_length(text), 0), pc.binary_join_element_wise(text, gap, ""), text)
        joined.append(text)
        at = at + pc.utf8_length(text).to_numpy(zero_copy_only=False)
    text = pc.utf8_rtrim_whitespace(pc.binary_join_element_wise(*joined, ""))
    return text, _spans(found)


def _spans(found: list[tuple[Ints, Ints, Ints, Ints, pa.Array]]) -> Spans:
    if not found:
        return _no_spans()
    row, kind, start, end = (np.concatenate([f[k] for f in found]) for k in range(4))
    order = np.lexsort((start, row))
    value = pa.concat_arrays([f[4] for f in found]).take(pa.array(order))
    return Spans(row[order], kind[order], start[order], end[order], value)


def _no_spans() -> Spans:
    none = np.zeros(0, dtype=np.int64)
    return Spans(none, none, none, none, pa.array([], pa.string()))


def _plain_texts(brief: Brief, text: pa.Array, spans: Spans) -> Texts:
    n = len(brief)
    no, none = np.zeros(n, dtype=bool), np.full(n, -1, dtype=np.int64)
    return Texts(text, brief.cause, none, none, brief.language, no, no, no, spans, none)
