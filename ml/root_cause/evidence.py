"""Which clauses of a text carried a decision about it: places in the redacted text, never words of our own.

Belongs here: a text in pieces, and choosing the pieces that support a decision most. Not here: the decisions, and places
of severity phrases (`severity.phrase_places`), which need no model.

Method: a clause supports a decision by what the model says of the clause alone and by what is lost when the clause is left
out (the first and the last step of a Shapley value). Leaving out needs a vector for every shortened text, so it is done
only where asked for; what a clause says alone costs about one more embedding of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.text.clauses import Place, clauses
from ml.text.embed import DIMENSIONS, Encode, Vectors

Floats = NDArray[np.float64]
# Support for the decision of text `rows[i]`, in 0..1, by `texts[i]` alone (with its vector).
Score = Callable[[Sequence[str], Vectors, NDArray[np.int64]], Floats]

# A second clause is shown when it supports the decision at least half as much as the first.
_ALSO = 0.5


@dataclass(frozen=True, slots=True)
class Pieces:
    """The clauses of many texts, one after the other: text number, place, words and vector of each."""

    rows: NDArray[np.int64]
    places: tuple[Place, ...]
    texts: tuple[str, ...]
    vectors: Vectors

    def __len__(self) -> int:
        """Number of clauses."""
        return len(self.texts)


def pieces_of(texts: Sequence[str], embed: Encode) -> Pieces:
    """Clauses of texts with their vectors; `embed` is called once with all of them."""
    found = [(row, place) for row, text in enumerate(texts) for place in clauses(text)]
    words = tuple(texts[row][start:end] for row, (start, end) in found)
    vectors = embed(words) if words else np.zeros((0, DIMENSIONS), dtype=np.float32)
    rows = np.array([row for row, _ in found], dtype=np.int64)
    return Pieces(rows, tuple(place for _, place in found), words, vectors)


def carried(
    texts: Sequence[str], pieces: Pieces, score: Score, *, embed: Encode | None = None, most: int = 2
) -> list[list[Place]]:
    """Places of the clauses that support the decision about each text most, in reading order, at most `most`.

    With `embed` the support lost by leaving each clause out counts too. A text of one clause was carried by it.
    """
    support = score(pieces.texts, pieces.vectors, pieces.rows) if len(pieces) else np.zeros(0)
    if embed is not None and len(pieces):
        support = support + _lost(texts, pieces, score, embed)
    result: list[list[Place]] = [[] for _ in texts]
    for row, places, values in _by_text(pieces, support):
        order = np.argsort(-values, kind="stable")[:most]
        best = values[order[0]]
        chosen = [places[place] for place in order.tolist() if values[place] >= best - abs(best) * (1 - _ALSO)]
        result[row] = sorted(chosen)
    return result


def quotes(text: str, places: Sequence[Place]) -> list[str]:
    """The words at places of a text."""
    return [text[start:end] for start, end in places]


def _by_text(pieces: Pieces, support: Floats) -> list[tuple[int, Sequence[Place], Floats]]:
    starts = np.flatnonzero(np.diff(pieces.rows, prepend=-1)).tolist()
    borders = pairwise([*starts, len(pieces)])
    return [(int(pieces.rows[start]), pieces.places[start:end], support[start:end]) for start, end in borders]


def _lost(texts: Sequence[str], pieces: Pieces, score: Score, embed: Encode) -> Floats:
    """Support of the whole text minus support of the text without each clause; 0 for a text of one clause."""
    counts = np.bincount(pieces.rows, minlength=len(texts))
    several = np.flatnonzero(counts[pieces.rows] > 1)
    lost = np.zeros(len(pieces))
    if not len(several):
        return lost
    rows = pieces.rows[several]
    shortened = [_without(texts[row], pieces.places[piece]) for piece, row in zip(several, rows, strict=True)]
    whole = np.unique(rows)
    own = [texts[row] for row in whole.tolist()]
    before = dict(zip(whole.tolist(), score(own, embed(own), whole).tolist(), strict=True))
    after = score(shortened, embed(shortened), rows)
    lost[several] = np.array([before[row] for row in rows.tolist()]) - after
    return lost


def _without(text: str, place: Place) -> str:
    return f"{text[: place[0]].rstrip()} {text[place[1] :].lstrip()}".strip()
