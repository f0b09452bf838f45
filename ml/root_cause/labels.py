"""Which labels may train a cause model, and which are kept for judging one.

Belongs here: both questions, over the columns of the signal hand-over. Not here: whose word counts when people disagree
(dbt, `int_signal_label`; asked in one place), comparing two models (`gate.py`).

A label trains when a person or a source system of record gave it, its text is not in the audit, and nobody said that the
signal is not valid. Texts of the audit train no model, ever, whatever label they carry: copies of a text are in the audit
together, so no model has seen the wording it is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.label import AUDIT_RATE, check_training_bases, in_audit


def trainable(signals: pa.Table, *, question: str = "cause", rate: float = AUDIT_RATE) -> NDArray[np.bool_]:
    """One flag per row of the hand-over: whether its coded cause may train.

    Columns: coded_cause_id, coded_cause_basis, text_hash, optionally is_valid. Raises `models.label.NotTrainable` when a
    label has a basis that is not on the list (a model's output that came back as a label, or a label without a basis).
    """
    causes, bases = signals.column("coded_cause_id").to_pylist(), signals.column("coded_cause_basis").to_pylist()
    check_training_bases(basis for cause, basis in zip(causes, bases, strict=True) if cause is not None)
    hashes = signals.column("text_hash").to_pylist()
    valid = signals.column("is_valid").to_pylist() if "is_valid" in signals.column_names else [None] * len(causes)
    return np.array(
        [
            cause is not None and is_valid is not False and not in_audit(text_hash, question, rate)
            for cause, is_valid, text_hash in zip(causes, valid, hashes, strict=True)
        ],
        dtype=bool,
    )


@dataclass(frozen=True, slots=True)
class AuditSlice:
    """Reviewed texts of the audit: row numbers, what people said, and weights (one over the inclusion probability)."""

    rows: Sequence[int]
    values: Sequence[str]
    weights: NDArray[np.float64]


def audit_slice(signals: pa.Table) -> AuditSlice:
    """The rows that people labelled because chance picked them, one per distinct text, in order of signal_id.

    Columns: signal_id, text_hash, audit_inclusion, and answered_cause_id with answered_cause_basis (without these two:
    coded_cause_id with coded_cause_basis). Answers that a text shows none of the causes are among the answered ones, and
    are kept: a model that names a cause is wrong there.
    """
    said = "answered" if "answered_cause_id" in signals.column_names else "coded"
    names = ("signal_id", "text_hash", f"{said}_cause_id", f"{said}_cause_basis", "audit_inclusion")
    columns = [signals.column(name).to_pylist() for name in names]
    found: dict[str, tuple[str, int, str, float]] = {}
    for row, (signal_id, text_hash, cause, basis, inclusion) in enumerate(zip(*columns, strict=True)):
        if basis != "review" or cause is None or not inclusion:
            continue
        known = found.get(text_hash or signal_id)
        if known is None or signal_id < known[0]:
            found[text_hash or signal_id] = (signal_id, row, cause, 1.0 / inclusion)
    kept = sorted(found.values())
    return AuditSlice(
        [row for _, row, _, _ in kept],
        [cause for _, _, cause, _ in kept],
        np.array([weight for *_, weight in kept], dtype=np.float64),
    )
