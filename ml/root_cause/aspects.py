"""The issues of a text that speaks of several: which clauses are about which cause, and how the customer feels there.

Belongs here: putting judged clauses together into aspects. Not here: cutting (`ml/text/clauses.py`), judging a clause (the
cause and sentiment models, handed in as figures), or the one cause of a whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.root_cause.evidence import Floats, Pieces

# A clause is a short text and models are surest of themselves on long ones: it takes more than for a whole text.
SURE = 0.5
_FEWEST_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Aspect:
    """One issue: characters `[start, end)` of the redacted text, cause with confidence, sentiment (-1..1 or None)."""

    aspect_no: int
    start: int
    end: int
    cause_id: str
    confidence: float
    sentiment: float | None


def aspects(
    count: int,
    pieces: Pieces,
    shares: Floats,
    causes: Sequence[str],
    feelings: Floats,
    *,
    sure: float = SURE,
) -> list[tuple[Aspect, ...]]:
    """Aspects of `count` texts, numbered from 1 in reading order; empty for a text with fewer than two sure causes.

    `shares` (pieces, causes) are probabilities and `feelings` (pieces,) sentiments (NaN unknown) of the clauses. A clause
    counts when its likeliest cause has at least `sure`; neighbours with one cause become one aspect, and a clause
    nobody is sure of joins the aspect around it but never stretches one.
    """
    best = shares.argmax(axis=1) if len(shares) else np.zeros(0, dtype=np.int64)
    top = shares.max(axis=1) if len(shares) else np.zeros(0)
    found: list[list[int]] = [[] for _ in range(count)]
    for piece, row in enumerate(pieces.rows.tolist()):
        letters = sum(map(str.isalpha, pieces.texts[piece]))
        if top[piece] >= sure and letters >= _FEWEST_LETTERS:
            found[row].append(piece)
    return [_aspects_of(own, pieces, best.tolist(), top, causes, feelings) for own in found]


def _aspects_of(
    own: list[int], pieces: Pieces, best: list[int], top: Floats, causes: Sequence[str], feelings: Floats
) -> tuple[Aspect, ...]:
    if len({best[piece] for piece in own}) < 2:
        return ()
    runs: list[list[int]] = []
    for piece in own:
        if runs and best[runs[-1][-1]] == best[piece]:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return tuple(
        Aspect(
            aspect_no=number,
            start=pieces.places[run[0]][0],
            end=pieces.places[run[-1]][1],
            cause_id=causes[best[run[0]]],
            confidence=round(float(top[run].max()), 6),
            sentiment=_mean(feelings[run[0] : run[-1] + 1]),
        )
        for number, run in enumerate(runs, start=1)
    )


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), 6) if len(known) else None
