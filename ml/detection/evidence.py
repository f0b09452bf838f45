"""What detection looks at, in one piece: signals, what charts need beside them, and risks as signals.

Belongs here: the bundle every caller of detection hands over, and reading it from a home's stores. Not here: what is
found in it (`triggers.py`), or how its tables come about (the warehouse and `ml/early_warning`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml.conditions import aligned

Encode = Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Tables detection reads; only the signals are needed, whatever else is absent is not looked at.

    `fct_signal` has columns of the mart of that name (absent ones count as unknown). `exposure` is `int_exposure_day`
    (active customers per day, segment and region), `resolution` is `int_resolution` with the signal of each matter
    (`resolutions_of`). `risk` holds rows shaped like signals (`ml.conditions.SIGNAL_SCHEMA`), one per subject and week.
    `encode` turns texts into sentence vectors (len(texts), d); clauses of likeness are unknown without it.
    """

    fct_signal: pa.Table
    exposure: pa.Table | None = None
    resolution: pa.Table | None = None
    risk: pa.Table | None = None
    encode: Encode | None = None

    def signals(self) -> pa.Table:
        """Signals and risks together, in the shape rules are evaluated on."""
        own = aligned(self.fct_signal)
        return own if self.risk is None else pa.concat_tables([own, aligned(self.risk)])


# Hand-over file -> the part of the evidence it fills.
_FILES = {
    "int_exposure_day": "exposure",
    "int_resolution": "resolution",
}


def has_evidence(handoff: Path) -> bool:
    """Whether the warehouse has handed over classified signals yet."""
    return (handoff / "fct_signal.parquet").exists()


def read_evidence(handoff: Path, *, risk: pa.Table | None = None, encode: Encode | None = None) -> Evidence:
    """The newest hand-over as evidence. Raises FileNotFoundError where no signal was handed over yet."""
    tables = {
        part: pq.read_table(handoff / f"{name}.parquet")
        for name, part in _FILES.items()
        if (handoff / f"{name}.parquet").exists()
    }
    signals = pq.read_table(handoff / "fct_signal.parquet")
    if "resolution" in tables:
        tables["resolution"] = resolutions_of(signals, tables["resolution"])
    return Evidence(signals, risk=risk, encode=encode, **tables)


def resolutions_of(signals: pa.Table, resolutions: pa.Table) -> pa.Table:
    """Resolutions with the `signal_id` of the matter they are about: the ticket or complaint of that name and number."""
    matters = signals.select(["entity", "source_key", "signal_id"])
    dated = resolutions.select(["subject_type", "subject_id", "resolved_at"])
    return dated.join(
        matters, keys=["subject_type", "subject_id"], right_keys=["entity", "source_key"], join_type="inner"
    )
