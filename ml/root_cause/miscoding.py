"""Where the code a person chose and the customer's words disagree: a finding, never a correction.

Belongs here: which coded signals look wrongly coded, and how often. Not here: changing a label (people do, in review).

Method: confident learning (Northcutt, Jiang & Chuang 2021). A cause is confidently suggested when its probability reaches
the average that texts coded with it have; a finding is a text whose likeliest confidently suggested cause is not the coded
one. Probabilities must come from a model that saw neither the text nor a copy of it (`Training.held_out`): a model agrees
with what it learnt by heart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.outputs import MISCODING
from ml.root_cause.examples import Floats
from ml.root_cause.judge import wilson


def miscoding_table(signal_ids: Sequence[str], coded: Sequence[str], shares: Floats, causes: Sequence[str]) -> pa.Table:
    """One row per signal whose coded cause the model knows, sorted by signal: codes, suggestion and verdict.

    `shares` (n, causes) are probabilities out of fold. The suggestion is the likeliest confidently suggested cause, the
    likeliest of all when none is. `coded_share` is the self-confidence of the code. Raises ValueError when lengths
    disagree.
    """
    if not len(signal_ids) == len(coded) == len(shares):
        raise ValueError(f"{len(signal_ids)} signals, {len(coded)} codes and {len(shares)} rows of probabilities")
    place = {cause: index for index, cause in enumerate(causes)}
    rows = sorted((row for row, cause in enumerate(coded) if cause in place), key=lambda row: signal_ids[row])
    codes = np.array([place[coded[row]] for row in rows], dtype=np.int64)
    known = shares[rows]
    suggested = _suggested(known, self_confidence(known, codes))
    at = np.arange(len(rows))
    columns = {
        "signal_id": [signal_ids[row] for row in rows],
        "coded_cause_id": [causes[code] for code in codes],
        "suggested_cause_id": [causes[best] for best in suggested],
        "coded_share": np.round(known[at, codes], 6),
        "suggested_share": np.round(known[at, suggested], 6),
        "is_finding": suggested != codes,
    }
    columns["is_finding"] &= _confident(known, codes)[at, suggested] if len(rows) else False
    return pa.table(columns, schema=MISCODING)


def self_confidence(shares: Floats, codes: NDArray[np.int64]) -> Floats:
    """Average probability (causes,) of each cause over the texts coded with it; infinite where none is."""
    causes = shares.shape[1]
    count = np.bincount(codes, minlength=causes)
    total = np.bincount(codes, weights=shares[np.arange(len(codes)), codes], minlength=causes)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf)


def _confident(shares: Floats, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(shares >= self_confidence(shares, codes), dtype=bool)


def _suggested(shares: Floats, limits: Floats) -> NDArray[np.int64]:
    confident = np.where(shares >= limits, shares, -1.0)
    some = (confident >= 0).any(axis=1)
    return np.asarray(np.where(some, confident.argmax(axis=1), shares.argmax(axis=1)), dtype=np.int64)


def miscoding_rates(table: pa.Table, by: Sequence[str]) -> pa.Table:
    """Findings per group of `by` (the code, the source; one value per row of `table`), with a Wilson interval of 95 %.

    Columns: group, coded, findings, rate, low, high; sorted by group. The rate is of findings, some of which a person
    will reject: it compares codes with each other, it does not convict one signal. Raises ValueError when `by` is not
    as long as the table.
    """
    if len(by) != table.num_rows:
        raise ValueError(f"{len(by)} groups for {table.num_rows} rows")
    names = sorted(set(by))
    place = {name: index for index, name in enumerate(names)}
    group = np.array([place[name] for name in by], dtype=np.int64)
    count = np.bincount(group, minlength=len(names))
    found = np.asarray(table.column("is_finding").to_pylist(), dtype=np.float64)
    findings = np.bincount(group, weights=found, minlength=len(names)).astype(np.int64)
    low, high = wilson(findings, count)
    rate = findings / np.maximum(count, 1)
    return pa.table({"group": names, "coded": count, "findings": findings, "rate": rate, "low": low, "high": high})
