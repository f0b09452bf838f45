"""How like given examples a text is: the extra columns that clauses of likeness read.

Belongs here: cosines to examples and the threshold they set. Not here: the sentence encoder, which callers hand in, or the
clause (`models/clause.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.conditions import like_column
from models.clause import Examples, Like

Encode = Callable[[Sequence[str]], Any]
_Matrix = NDArray[np.float64]
# Where examples are so unlike each other that leaving one out sets no bar, something still has to: short texts that have
# nothing to do with each other seldom reach a cosine of 0.3 under the sentence encoder in use.
_LEAST = 0.3


def with_likeness(signals: pa.Table, wanted: Sequence[Like], encode: Encode | None) -> pa.Table:
    """Signals with a column per clause: cosine to the nearest example less the threshold, in [-2, 2].

    Null where a text is, and everywhere without `encode`. Each distinct text is encoded once.
    """
    if not wanted:
        return signals
    known = signals.column("text").combine_chunks().dictionary_encode()
    texts = [] if encode is None else known.dictionary.to_pylist()
    vectors = _unit(encode, texts) if encode is not None and texts else None
    for clause in wanted:
        above = pa.array([None] * len(known.dictionary), pa.float64())
        if encode is not None and vectors is not None:
            above = pa.array(_above(clause.like, vectors, encode), pa.float64())
        signals = signals.append_column(like_column(clause), above.take(known.indices))
    return signals


def threshold(like: Examples, encode: Encode) -> float:
    """The given `at_least`, else where leaving out one example at a time tells examples and `unlike` apart best.

    Each example is held against the others, each text of `unlike` against all of them. Of the cuts between two
    neighbouring cosines the one with the highest balanced accuracy wins, among equals the widest gap. Without `unlike` the
    bar is the lowest of the examples' own. Never below 0.3. Depends on the clause and the encoder alone.
    """
    if like.at_least is not None:
        return like.at_least
    examples = _unit(encode, like.examples)
    between = examples @ examples.T
    np.fill_diagonal(between, -1.0)
    own = between.max(axis=1)
    if not like.unlike:
        return float(max(_LEAST, own.min()))
    other = (_unit(encode, like.unlike) @ examples.T).max(axis=1)
    return max(_LEAST, _cut(own, other))


def _cut(own: _Matrix, other: _Matrix) -> float:
    points = np.unique(np.concatenate([own, other]))
    middles = (points[:-1] + points[1:]) / 2 if len(points) > 1 else points
    gaps = np.diff(points) if len(points) > 1 else np.zeros(1)
    accuracy = [(np.mean(own >= cut) + np.mean(other < cut)) / 2 for cut in middles]
    best = max(range(len(middles)), key=lambda place: (round(accuracy[place], 9), gaps[place]))
    return float(middles[best])


def _above(like: Examples, vectors: _Matrix, encode: Encode) -> _Matrix:
    nearest: _Matrix = (vectors @ _unit(encode, like.examples).T).max(axis=1)
    return nearest - threshold(like, encode)


def _unit(encode: Encode, texts: Sequence[str]) -> _Matrix:
    """Vectors (len(texts), d) of length 1; a text that says nothing keeps the zero vector."""
    vectors = np.asarray(encode(list(texts)), dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: _Matrix = vectors / np.where(lengths == 0, 1.0, lengths)
    return scaled
