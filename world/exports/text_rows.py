"""Records what is true of written texts in the truth tables.

Belongs here: text truth and planted spans of any entity. Not here: making texts (text_grammar.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from world import pii
from world.config import LANGUAGES
from world.customers import customer_ids
from world.draws import Ints
from world.rendering import constant, names
from world.scene import Scene
from world.text_grammar import TONES, Texts
from world.truth import TruthStore

_KINDS = pii.KINDS + pii.DECOYS


def record_texts(
    truth: TruthStore,
    scene: Scene,
    place: tuple[str, str, str],
    keys: pa.Array,
    texts: Texts,
    customer: Ints,
    author: str = "customer",
    rows: Ints | None = None,
) -> None:
    """Append a truth row per text (`rows` of the batch, default all) and per planted value; `place` = source, entity, column."""
    every = rows is None
    keep = np.arange(len(keys)) if rows is None else rows
    at = pa.array(keep)
    ids = tuple(c.id for c in scene.company.causes)
    first, second = texts.cause[keep], texts.second[keep]
    truth.add(
        "text_truth",
        {
            **_place(place, len(keep)),
            "key": keys.take(at),
            "causes": _cause_lists(ids, first, second),
            "denied_cause": names(ids, texts.denied[keep]),
            "language": names(LANGUAGES, texts.language[keep]),
            "is_sarcastic": pa.array(texts.sarcastic[keep]),
            "is_multi_issue": pa.array(second >= 0),
            "is_vague": pa.array(texts.vague[keep]),
            "is_misspelt": pa.array(texts.misspelt[keep]),
            "tone": names(TONES, texts.tone[keep]),
            "author": constant(author, len(keep)),
            "customer_id": customer_ids(np.asarray(customer)[keep]),
        },
    )
    spans = texts.spans
    wanted = np.ones(len(spans.row), dtype=bool) if every else np.isin(spans.row, keep)
    for table, mine in (("pii_span", spans.kind < len(pii.KINDS)), ("pii_decoy", spans.kind >= len(pii.KINDS))):
        hit = np.flatnonzero(mine & wanted)
        truth.add(
            table,
            {
                **_place(place, len(hit)),
                "key": keys.take(pa.array(spans.row[hit])),
                "kind": names(_KINDS, spans.kind[hit]),
                "start": pa.array(spans.start[hit]),
                "end": pa.array(spans.end[hit]),
                "value": spans.value.take(pa.array(hit)),
            },
        )


def _place(place: tuple[str, str, str], count: int) -> dict[str, pa.Array | list[object]]:
    return {name: constant(value, count) for name, value in zip(("source", "entity", "column"), place, strict=True)}


def _cause_lists(ids: tuple[str, ...], first: Ints, second: Ints) -> pa.Array:
    both = np.stack([first, second], axis=1)
    sizes = (both >= 0).sum(axis=1)
    flat = both.ravel()
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names(ids, flat[flat >= 0]))
