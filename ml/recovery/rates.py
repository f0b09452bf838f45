"""Recovery rates of the attempts as rows for the warehouse: of all, by playbook, and by part of the cases.

Belongs here: whose rates are told, and the table they make. Not here: how a rate speaks for the silent (`response.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.response import RecoveryRate, recovery_rate, response_chances
from ml.recovery.tables import RATE

Flags = NDArray[np.bool_]


def rate_table(table: pa.Table, attempts: Attempts, *, as_of: datetime, seed: int = 0) -> pa.Table:
    """Recovery rates in the shape of `RATE`, of attempts whose 30 days are over; no rows where there are none.

    `table` is int_recovery_attempt and `attempts` what was read of it, row for row. Raises ValueError when they differ
    in length, or the table has no column is_recontacted.
    """
    if table.num_rows != len(attempts):
        raise ValueError(f"{len(attempts)} attempts were read of another table than this one of {table.num_rows} rows")
    if "is_recontacted" not in table.column_names:
        raise ValueError("column is_recontacted is missing from the table of attempts")
    back = table.column("is_recontacted").to_numpy(zero_copy_only=False) == np.True_
    due = attempts.due("recovered")
    outcome = attempts.outcome("recovered")[due]
    grown = attempts.take(due)
    sure = back[due] & ~np.isnan(outcome)
    chosen = np.column_stack([grown.covariates, np.eye(len(attempts.arms))[grown.arm][:, 1:]])
    chances = response_chances(chosen, grown.cluster, ~np.isnan(outcome) & ~sure, sure, seed=seed)
    rows = []
    for level, subject, member in _subjects(attempts):
        inside = member[due]
        if inside.any():
            rate = recovery_rate(outcome[inside], sure[inside], chances[inside], grown.cluster[inside])
            rows.append(_row(level, subject, rate, int((member & ~due).sum()), as_of))
    return pa.Table.from_pylist(rows, schema=RATE)


def _subjects(attempts: Attempts) -> Iterator[tuple[str, str, Flags]]:
    yield "all", "all", np.ones(len(attempts), dtype=np.bool_)
    treated = attempts.arm > 0
    yield "treated", "any playbook", treated
    for place, arm in enumerate(attempts.arms):
        yield "playbook", arm, attempts.arm == place
    # Parts are of those treated: a rate of recovery is about recoveries.
    for level, values in attempts.groups.items():
        for subject in np.unique(values):
            yield level, str(subject), treated & (values == subject)


def row_key(level: str, subject: str) -> str:
    """Key of a row: 24 hexadecimal digits, the same in every build."""
    return sha256(f"{level}|{subject}".encode()).hexdigest()[:24]


def stored(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as a table keeps them: NaN, which is no number, is empty."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value for name, value in figures.items()
    }


def _row(level: str, subject: str, rate: RecoveryRate, immature: int, as_of: datetime) -> dict[str, Any]:
    return {"rate_id": row_key(level, subject), "level": level, "subject": subject, "n_immature": immature,
            "as_of": as_of, **stored(asdict(rate))}  # fmt: skip
