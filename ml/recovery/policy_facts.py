"""What a policy may ask of a case, as columns: facts of many attempts, the questions they allow, and who answers alike.

Belongs here: reading facts from `int_recovery_attempt`, candidate questions, and cells (rows that answer every question
alike). Not here: which questions are worth asking (`policy_tree.py`), or the question for one case (`models/policy.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.recovery.encoding import numeric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# What may be asked by default: what routing knows of a case. Language and region would treat people by where they are
# from; vulnerability bars arms (`models.policy.must_act`) and sets no price.
ASKED = ("severity", "cause_id", "failure_type", "journey", "segment", "value_usd")
# Facts that guard a choice without being asked for.
_GUARDS = ("is_vulnerable",)
_COLUMN = {"value_usd": "annual_value_usd"}
_MOST_CUTS, _MOST_LEVELS, _LEAST_ROWS = 7, 20, 30


@dataclass(frozen=True, eq=False)
class Facts:
    """Columns of n cases: numbers with NaN, or texts with "" where unknown."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def take(self, index: Ints | Flags) -> Facts:
        """The facts of some cases."""
        return Facts({name: values[index] for name, values in self.columns.items()})

    def row(self, place: int) -> dict[str, Any]:
        """One case as the desk knows it: unknown is None, truth values are truth values."""
        return {name: _plain(name, values[place]) for name, values in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """Is `field` at most `at_most`, or one of `among`? `unknown` says whether an unknown counts as yes."""

    field: str
    at_most: float | None
    among: tuple[str, ...]
    unknown: bool = False

    def answers(self, facts: Facts) -> Flags:
        """Yes or no (n,) for every case."""
        values = facts.columns[self.field]
        if self.at_most is not None:
            return np.asarray(np.where(np.isnan(values), self.unknown, values <= self.at_most), dtype=bool)
        return np.asarray(np.where(values == "", self.unknown, np.isin(values, self.among)), dtype=bool)


@dataclass(frozen=True, eq=False)
class Cells:
    """Cases that no question tells apart, as one. `of` (n,) is the cell of each case, `first` (m,) one case of each.

    A search over m cells is a search over all cases: only their sums count.
    """

    of: Ints
    first: Ints

    def sums(self, values: Floats) -> Floats:
        """Column sums (m, k) by cell of `values` (n, k)."""
        columns = [np.bincount(self.of, weights=column, minlength=len(self.first)) for column in values.T]
        return np.column_stack(columns)


def read_facts(table: pa.Table, fields: Sequence[str] = ASKED) -> Facts:
    """Facts of `int_recovery_attempt` in the order of the table, with what guards a choice. A column that is missing is
    unknown for everybody. Raises ValueError naming a column that should hold numbers and does not."""
    return Facts({name: _column(table, name) for name in dict.fromkeys((*fields, "severity", *_GUARDS))})


def questions(facts: Facts, contrasts: Floats, fields: Sequence[str] = ASKED) -> tuple[Question, ...]:
    """Every question worth trying: cuts at quantiles, and sets of levels.

    Of k levels there are 2^k sets; tried are each level alone and, for each column of `contrasts` (n, arms), the levels
    in the order of its mean (for one contrast the best set is among these: Fisher 1958). Where some are unknown, both
    sides are tried for them.
    """
    found = list[Question]()
    for name in fields:
        values = facts.columns.get(name)
        if values is None or not len(values):
            continue
        plain = _cuts(name, values) if values.dtype.kind == "f" else _sets(name, values, contrasts)
        missing = np.isnan(values) if values.dtype.kind == "f" else values == ""
        found += [*plain, *(_flipped(plain) if missing.any() else ())]
    return tuple(dict.fromkeys(found))


def cells(facts: Facts, asked: Sequence[Question]) -> Cells:
    """Group cases by what the questions can tell of them."""
    key, radix = np.zeros(len(facts), dtype=np.int64), 1
    for name in dict.fromkeys(question.field for question in asked):
        codes = _codes(facts.columns[name], [question for question in asked if question.field == name])
        width = int(codes.max(initial=0)) + 1
        if radix * width > 2**62:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            radix = int(key.max(initial=0)) + 1
        key, radix = key + radix * codes, radix * width
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return Cells(of.astype(np.int64), first.astype(np.int64))


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    column = _COLUMN.get(name, name)
    is_number = name in ("severity", "value_usd", *_GUARDS)
    if column not in table.column_names:
        return np.full(table.num_rows, np.nan) if is_number else np.full(table.num_rows, "", dtype=np.str_)
    if is_number:
        return numeric(table, column)
    texts = table.column(column).cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)
    return np.asarray(texts, dtype=np.str_)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return bool(value) if name in _GUARDS else float(value)
    return str(value) or None


def _cuts(name: str, values: Floats) -> list[Question]:
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    if len(levels) > _MOST_CUTS + 1:
        levels = np.unique(np.quantile(known, np.linspace(0, 1, _MOST_CUTS + 2)[1:-1], method="lower"))
        return [Question(name, _round(float(level)), ()) for level in levels]
    return [Question(name, float(level), ()) for level in levels[:-1]]


def _round(value: float) -> float:
    """Three digits: a threshold is read by people, and quantiles beyond them say nothing."""
    return float(f"{value:.3g}")


def _sets(name: str, values: NDArray[Any], contrasts: Floats) -> list[Question]:
    levels, codes, counts = np.unique(values[values != ""], return_inverse=True, return_counts=True)
    often = np.flatnonzero(counts >= _LEAST_ROWS)
    often = np.sort(often[np.argsort(-counts[often], kind="stable")][:_MOST_LEVELS])
    if len(levels) < 2 or not len(often):
        return []
    known = contrasts[values != ""]
    sets = {(int(level),) for level in often}
    for column in known.T:
        means = np.bincount(codes, weights=column, minlength=len(levels)) / counts
        order = often[np.argsort(means[often], kind="stable")]
        sets |= {tuple(sorted(order[: size + 1].tolist())) for size in range(len(order) - 1)}
    return [Question(name, None, tuple(str(levels[place]) for place in chosen)) for chosen in sorted(sets)]


def _flipped(plain: Sequence[Question]) -> list[Question]:
    return [Question(one.field, one.at_most, one.among, unknown=True) for one in plain]


def _codes(values: NDArray[Any], asked: Sequence[Question]) -> Ints:
    """Codes (n,) such that equal codes give equal answers to every question about the column."""
    if values.dtype.kind == "f":
        cuts = np.unique([one.at_most for one in asked if one.at_most is not None])
        return np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values)).astype(np.int64)
    named = np.unique([level for one in asked for level in one.among])
    place = np.searchsorted(named, values)
    is_named = named[np.minimum(place, len(named) - 1)] == values
    return np.where(is_named, place, np.where(values == "", len(named), len(named) + 1)).astype(np.int64)
