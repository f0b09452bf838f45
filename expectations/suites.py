"""What a suite is: typed data that can be listed without Great Expectations and turned into its suite when needed.

Belongs here: the types, their names, the conversion. Not here: which checks a table gets (`door.py`, `ml_outputs.py`)
and how a suite is run (`run.py`). Dagster declares its check specs from `check_names`, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import great_expectations as gx

Severity = Literal["error", "warn"]
Frame = Literal["rows", "facts"]


@dataclass(frozen=True)
class Given:
    """Stands in an argument for a set that is known only when the suite runs (such as the taxonomy's causes)."""

    name: str


@dataclass(frozen=True)
class Measure:
    """A number or code the database computes for Great Expectations to judge; texts themselves never leave it.

    `sql` is per row, or over the whole table `t` for a fact. With `parts`, (label, condition) pairs that are true where a
    row is at fault, it is a number with one bit per condition, so that a failed check can say which part failed how
    often without a second pass over the texts.
    """

    name: str
    sql: str
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Check:
    """One expectation: no part of `measure` is at fault, or its values lie in `allowed` or from `low` to `high`.

    `mostly` is the share of non-null values that must comply. A fact that is null is "not measurable" and passes with a
    note. `when_empty` keeps a fact's check alive on a table without rows.
    """

    name: str
    description: str
    measure: Measure
    frame: Frame = "rows"
    severity: Severity = "error"
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] | Given | None = None
    mostly: float = 1.0
    when_empty: bool = False

    @property
    def expected(self) -> str:
        """The expectation in words, without values of the data."""
        if self.measure.parts:
            return "no row at fault"
        if isinstance(self.allowed, Given):
            return f"one of the given {self.allowed.name}"
        if self.allowed is not None:
            return f"one of {', '.join(self.allowed)}"
        if self.low == self.high:
            return f"exactly {self.low:g}" if self.low is not None else "anything"
        return " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", self.low), ("at most", self.high)) if bound is not None
        )


@dataclass(frozen=True)
class Suite:
    """All checks of one table.

    `columns` (name -> DuckDB type) must exist in it; `numbers` and `sets` must be given to run the suite. A `batched`
    table has `_batch_id`.
    """

    asset: str
    columns: Mapping[str, str]
    checks: tuple[Check, ...]
    numbers: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    batched: bool = False

    def of(self, frame: Frame) -> tuple[Check, ...]:
        """The checks over one frame."""
        return tuple(check for check in self.checks if check.frame == frame)


def check_names(suite: Suite) -> tuple[str, ...]:
    """Names of a suite's checks, in order; valid as Dagster check names."""
    return tuple(check.name for check in suite.checks)


def blocking_names(suite: Suite) -> tuple[str, ...]:
    """Names of the checks that must stop what follows."""
    return tuple(check.name for check in suite.checks if check.severity == "error")


def to_expectations(suite: Suite, checks: Sequence[Check], sets: Mapping[str, Sequence[str]]) -> gx.ExpectationSuite:
    """Some checks of a suite as a Great Expectations suite; each expectation carries its check's name in `meta`."""
    import great_expectations as gx

    return gx.ExpectationSuite(name=suite.asset, expectations=[_expectation(check, sets) for check in checks])


def _expectation(check: Check, sets: Mapping[str, Sequence[str]]) -> Any:
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
    from great_expectations.expectations.metadata_types import FailureSeverity

    severity = FailureSeverity.CRITICAL if check.severity == "error" else FailureSeverity.WARNING
    common: dict[str, Any] = {
        "column": check.measure.name,
        "mostly": check.mostly,
        "severity": severity,
        "description": check.description,
        "meta": {"check": check.name},
    }
    if check.measure.parts:
        return ExpectColumnValuesToBeInSet(value_set=[0], **common)
    if check.allowed is None:
        # For facts only: on pandas this one calls Python per row, so ranges of rows come as parts.
        return ExpectColumnValuesToBeBetween(min_value=check.low, max_value=check.high, **common)
    allowed = sets[check.allowed.name] if isinstance(check.allowed, Given) else check.allowed
    return ExpectColumnValuesToBeInSet(value_set=list(allowed), **common)
