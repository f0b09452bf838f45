"""How people really type: misspellings, swapped letters, no capitals or only capitals, and how a sentence ends.

Belongs here: changes to parts of a text that carry no planted personal data. Not here: wording.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from world.draws import Bools, Ints
from world.phrase_tables import scatter
from world.phrases.shared import MISSPELLINGS

_ENDINGS = pa.array([".", ".", ".", ".", "!", "!!", "...", "", " :("])


def replace_rows(texts: pa.Array, rows: Ints, changed: pa.Array) -> pa.Array:
    """`texts` with the given rows replaced."""
    index = np.arange(len(texts))
    index[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, changed]).take(pa.array(index))


def misspell(texts: pa.Array, rows: Ints, rng: np.random.Generator) -> pa.Array:
    """Common misspellings in some of the rows, and one swapped or lost letter in a part of them."""
    if not len(rows):
        return texts
    part = texts.take(pa.array(rows))
    for right, wrong in MISSPELLINGS:
        part = pc.if_else(pa.array(rng.random(len(rows)) < 0.22), pc.replace_substring(part, right, wrong), part)
    place, lose, touch = rng.random(len(rows)), rng.random(len(rows)) < 0.5, rng.random(len(rows)) < 0.22
    words = part.to_pylist()
    for k in np.flatnonzero(touch):
        words[k] = _slip(words[k], place[k], bool(lose[k]))
    return replace_rows(texts, rows, pa.array(words, pa.string()))


def _slip(text: str, place: float, lose: bool) -> str:
    if len(text) < 8:
        return text
    at = 1 + int(place * (len(text) - 3))
    return text[:at] + text[at + 1 :] if lose else text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def shout_or_mumble(texts: pa.Array, lower: Ints, upper: Ints) -> pa.Array:
    """Lower-case some rows, upper-case others."""
    texts = replace_rows(texts, lower, pc.utf8_lower(texts.take(pa.array(lower))))
    return replace_rows(texts, upper, pc.utf8_upper(texts.take(pa.array(upper))))


def sentence(texts: pa.Array, capital: Bools, rng: np.random.Generator) -> pa.Array:
    """End non-empty texts like sentences; capitalise the first letter where asked."""
    filled = np.flatnonzero(pc.greater(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False))
    body = texts.take(pa.array(filled))
    head = pc.utf8_slice_codeunits(body, 0, 1)
    head = pc.if_else(pa.array(capital[filled]), pc.utf8_upper(head), head)
    end = _ENDINGS.take(pa.array(rng.integers(0, len(_ENDINGS), len(filled))))
    return scatter(len(texts), [(filled, pc.binary_join_element_wise(head, pc.utf8_slice_codeunits(body, 1), end, ""))])
