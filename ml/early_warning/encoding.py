"""Tables as matrices: numbers as they are, categories as one column per level, nothing that tells the outcome.

Belongs here: what a risk model may look at and in what form. Not here: how columns come about (`breach.py`,
`churn.py`) or the model itself (`model.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.early_warning.judge import auc

Floats = NDArray[np.float64]

# Attributes no risk may rest on, whatever a table brings along: people do not choose them, and the law protects most.
PROTECTED = frozenset(
    {
        "gender", "sex", "age", "senior citizen", "senior_citizen", "ethnicity", "race", "religion", "nationality",
        "disability", "is_vulnerable", "language", "partner", "dependents", "marital_status",
    }
)  # fmt: skip
# A single column that ranks the outcome this well was filled in after the fact: the telecom set's `Churn Score` reaches
# 0.94, the best honest column there 0.76.
LEAK_AUC = 0.9
_MIN_LEVEL_ROWS, _MAX_LEVELS = 20, 30


@dataclass(frozen=True, slots=True)
class Encoder:
    """How a table becomes a matrix (n, width): numeric columns first (NaN where unknown), then a column per level.

    `references` hold the median of each number; categories refer to "any other level", which is all zeros.
    """

    numbers: tuple[str, ...]
    references: tuple[float, ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.numbers) + sum(len(levels) for _, levels in self.levels)

    def matrix(self, table: pa.Table) -> Floats:
        """Matrix (n, width) of a table that has every column; raises KeyError naming one it lacks."""
        blocks = [column_values(table, name)[:, None] for name in self.numbers]
        for name, levels in self.levels:
            values = np.asarray(table.column(name).to_pylist(), dtype=object)
            blocks += [(values == level).astype(np.float64)[:, None] for level in levels]
        return np.hstack(blocks) if blocks else np.zeros((table.num_rows, 0))

    def places(self) -> dict[str, slice]:
        """Where each column of the table lies in the matrix."""
        found = {name: slice(place, place + 1) for place, name in enumerate(self.numbers)}
        start = len(self.numbers)
        for name, levels in self.levels:
            found[name] = slice(start, start + len(levels))
            start += len(levels)
        return found

    def reference_row(self) -> Floats:
        """The row of a typical subject, (width,)."""
        row = np.zeros(self.width)
        row[: len(self.numbers)] = self.references
        return row

    def as_json(self) -> dict[str, Any]:
        """Plain values for a model file."""
        return {"numbers": self.numbers, "references": self.references, "levels": self.levels}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Encoder:
        """The encoder `as_json` was made of."""
        levels = tuple((name, tuple(found)) for name, found in data["levels"])
        return Encoder(tuple(data["numbers"]), tuple(data["references"]), levels)


def fit_encoder(table: pa.Table, columns: Sequence[str]) -> Encoder:
    """Learn medians and levels of the named columns. A number that never varies and a level seen in fewer than 20 rows
    say nothing and are left out; of a category the 30 commonest levels count."""
    numbers, references, levels = [], [], []
    for name in columns:
        if is_number(table, name):
            values = column_values(table, name)
            known = values[~np.isnan(values)]
            if len(np.unique(known)) > 1:
                numbers.append(name)
                references.append(float(np.median(known)))
        elif found := _levels(table, name):
            levels.append((name, found))
    return Encoder(tuple(numbers), tuple(references), tuple(levels))


def refused_columns(table: pa.Table, outcome: NDArray[np.bool_], *, vouched: Sequence[str] = ()) -> dict[str, str]:
    """Columns no model may use, with the reason: protected ones, and numbers that tell the outcome by themselves.

    `vouched` are columns whose maker guarantees that they were known at the time, such as a case's age.
    """
    refused = {name: "protected attribute" for name in table.column_names if name.lower() in PROTECTED}
    for name in table.column_names:
        if name in refused or name in vouched or not is_number(table, name):
            continue
        values = column_values(table, name)
        known = ~np.isnan(values)
        alone = auc(outcome[known], values[known]) if known.any() else None
        if alone is not None and max(alone, 1 - alone) >= LEAK_AUC:
            refused[name] = f"tells the outcome by itself (AUC {max(alone, 1 - alone):.2f}): filled in afterwards?"
    return refused


def is_number(table: pa.Table, name: str) -> bool:
    """Whether a column holds numbers or flags."""
    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def column_values(table: pa.Table, name: str) -> Floats:
    """A numeric column as floats, NaN where unknown."""
    values = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _levels(table: pa.Table, name: str) -> tuple[str, ...]:
    counts = table.column(name).drop_null().value_counts().to_pylist()
    often = [item for item in counts if item["counts"] >= _MIN_LEVEL_ROWS]
    ranked = sorted(often, key=lambda item: (-item["counts"], item["values"]))[:_MAX_LEVELS]
    return tuple(sorted(str(item["values"]) for item in ranked))
