"""Which signals people are asked about next: the audit that chance picks, what the model is unsure of, and what differs.

Belongs here: the queue as a table. Not here: scoring texts, the choice of unsure and diverse rows (`active.py`), storing
answers (`cases/labels.py`), who is asked a second time (`models/label.py`).

The audit is Poisson sampling with permanent random numbers (Ohlsson 1995): a text is in it when the hash of its words is
below the audit's rate. So an answer about one part of the queue never changes who is in the audit, the same texts stay
in it whatever model is in use, and what is measured on it holds for all texts and not for the difficult ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.outputs import REVIEW
from models.label import AUDIT_RATE, audit_point

Floats = NDArray[np.float64]
Choose = Callable[..., Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scored signals with a text, one place each in every field.

    `values` is the model's answer (None: it abstained), `probabilities` (n, classes), `vectors` (n, dimensions).
    `is_unsure` marks conformal sets of another size than one, `is_miscoded` findings that code and text disagree.
    """

    question: str
    signal_ids: Sequence[str]
    text_hashes: Sequence[str]
    values: Sequence[str | None]
    confidences: Sequence[float | None]
    probabilities: Floats
    vectors: NDArray[np.floating[Any]]
    is_unsure: NDArray[np.bool_]
    is_miscoded: NDArray[np.bool_]
    model_id: str | None


def queue(
    candidates: Candidates,
    *,
    count: int = 200,
    done: Collection[str] = (),
    audit_share: float = 0.2,
    audit_rate: float = AUDIT_RATE,
    choose: Choose | None = None,
    seed: int = 0,
) -> pa.Table:
    """Up to `count` rows of schema `ml.outputs.REVIEW`, by review_id; priority runs from 1 (first) down.

    `done` are the signals nobody more need be asked about (`models.label.answered_enough`). Of texts that are alike one
    is asked. Along the priority an `audit_share` is audit; the rest takes turns between what is unsure, what is
    mis-coded, and each kind of what `choose` picks (default `ml.root_cause.active.choose`). A stream that runs dry leaves its turns
    to the others. Raises ValueError for a share outside 0 to 1.
    """
    if not 0 <= audit_share <= 1:
        raise ValueError("the share of the audit runs from 0 to 1")
    rows = _distinct(candidates, done)
    points = {row: audit_point(candidates.text_hashes[row], candidates.question) for row in rows}
    audit = sorted((row for row in rows if points[row] < audit_rate), key=points.__getitem__)
    others = [row for row in rows if points[row] >= audit_rate]
    picked = _interleaved(
        [(row, "audit") for row in audit],
        list(_on_purpose(candidates, others, count, choose, seed)),
        audit_share,
    )[:count]
    table = [
        _row(candidates, row, reason, 1 - place / max(len(picked), 1), audit_rate)
        for place, (row, reason) in enumerate(picked)
    ]
    return pa.Table.from_pylist(table, schema=REVIEW).sort_by("review_id")


def review_id(signal_id: str, question: str) -> str:
    """Name of an item of the queue: the same for the same signal and question, whatever the reason it is asked for."""
    return hashlib.sha256(f"{signal_id}|{question}".encode()).hexdigest()[:16]


def _distinct(candidates: Candidates, done: Collection[str]) -> list[int]:
    """Rows to choose from: one per text, that of the first signal id; none of a text that somebody answered enough."""
    finished = set(done)
    closed = {key for key, name in zip(candidates.text_hashes, candidates.signal_ids, strict=True) if name in finished}
    first: dict[str, int] = {}
    for row in sorted(range(len(candidates.signal_ids)), key=candidates.signal_ids.__getitem__):
        key = candidates.text_hashes[row]
        if key not in closed:
            first.setdefault(key, row)
    return sorted(first.values())


def _on_purpose(
    candidates: Candidates, rows: Sequence[int], count: int, choose: Choose | None, seed: int
) -> Iterator[tuple[int, str]]:
    """Unsure, mis-coded and chosen rows in turns, each row once; the least confident of a kind first."""
    doubt = {row: candidates.confidences[row] or 0.0 for row in rows}
    forced = [
        [(row, name) for row in sorted(rows, key=lambda row: (doubt[row], row)) if flags[row]]
        for name, flags in (("unsure", candidates.is_unsure), ("miscoded", candidates.is_miscoded))
    ]
    chosen = _chosen(candidates, rows, count, choose, seed)
    by_reason = [[pick for pick in chosen if pick[1] == reason] for reason in sorted({name for _, name in chosen})]
    streams = [*forced, *by_reason]
    seen: set[int] = set()
    for turn in zip_longest(*streams):
        for pick in turn:
            if pick is not None and pick[0] not in seen:
                seen.add(pick[0])
                yield pick


def _chosen(
    candidates: Candidates, rows: Sequence[int], count: int, choose: Choose | None, seed: int
) -> list[tuple[int, str]]:
    if not rows or not candidates.probabilities.size:
        return []
    if choose is None:
        from ml.root_cause.active import choose as default

        choose = default
    places = np.asarray(rows)
    # No audit share here: chance picks by the hash of the text, once and for all.
    picks = choose(
        candidates.probabilities[places],
        candidates.vectors[places],
        min(count, len(rows)),
        audit_share=0.0,
        seed=seed,
    )
    return [(rows[pick.row], str(pick.reason)) for pick in sorted(picks, key=lambda pick: (-pick.priority, pick.row))]


def _interleaved(
    audit: Sequence[tuple[int, str]], others: Sequence[tuple[int, str]], share: float
) -> list[tuple[int, str]]:
    """Both in one order in which every beginning holds its share of the audit, as long as both last."""
    merged: list[tuple[int, str]] = []
    taken = 0
    for place in range(len(audit) + len(others)):
        behind = taken < share * (place + 1)
        if taken < len(audit) and (behind or place - taken >= len(others)):
            merged.append(audit[taken])
            taken += 1
        else:
            merged.append(others[place - taken] if place - taken < len(others) else audit[taken])
    return merged


def _row(candidates: Candidates, row: int, reason: str, priority: float, rate: float) -> dict[str, Any]:
    signal_id = candidates.signal_ids[row]
    return {
        "review_id": review_id(signal_id, candidates.question),
        "signal_id": signal_id,
        "question": candidates.question,
        "reason": reason,
        "priority": priority,
        "inclusion": rate if reason == "audit" else None,
        "model_value": candidates.values[row],
        "model_confidence": candidates.confidences[row],
        "model_id": candidates.model_id,
    }
