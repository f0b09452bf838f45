"""A place in a text where personal data stands, and which of two kinds is meant where two were found.

Belongs here: the span, the kinds and their order. Not here: finding anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Surest first: what has a checksum or an unmistakable shape wins over what was found by the words around it.
KINDS = (
    "SECRET", "URL", "EMAIL", "IBAN", "BIC", "CARD", "TAX_ID", "SSN", "ID_NUMBER", "IP", "BIRTH_DATE", "ACCOUNT",
    "PHONE", "PLATE", "ADDRESS", "NAME",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Span:
    """Where personal data stood in a text: `[start, end)` in characters, and its kind (one of `KINDS`)."""

    start: int
    end: int
    kind: str


def without_overlap(found: Iterable[Span]) -> list[Span]:
    """Spans in order. Where two overlap the surer kind wins, but nothing either covered comes back: it takes it all."""
    merged: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind = min(last.kind, span.kind, key=_RANK.__getitem__)
            merged[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            merged.append(span)
    return merged


def masked(text: str, spans: Sequence[Span]) -> str:
    """The text with every span (in order, without overlap) replaced by `[KIND]`."""
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], f"[{span.kind}]"]
        position = span.end
    return "".join(parts) + text[position:]
