"""Plain results of checks: numbers and one small table, never a value of the data.

Belongs here: what a check tells to Dagster, a log or a page. Not here: how it is found out (`run.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations.suites import Check, Severity

NO_DATA = "no data for this stage"


@dataclass(frozen=True)
class CheckResult:
    """How one check ended.

    `rows` were looked at, `missing` of them had no value, `unexpected_count` broke the expectation
    (`unexpected_percent` of those with a value, 0..100). `observed` holds the number of a fact. `table` lists, for a
    failed check over several columns, (part, rows) so that one sees which. `note` says why a pass is no proof, or why a
    check could not be run.
    """

    asset: str
    name: str
    passed: bool
    severity: Severity
    description: str
    expected: str
    rows: int
    missing: int = 0
    unexpected_count: int = 0
    unexpected_percent: float = 0.0
    observed: float | None = None
    table: tuple[tuple[str, int], ...] = ()
    note: str | None = None

    @property
    def blocking(self) -> bool:
        """Whether this result must stop what follows."""
        return self.severity == "error" and not self.passed


def passed_without_data(asset: str, check: Check, note: str) -> CheckResult:
    """A pass that says it rests on nothing."""
    return CheckResult(asset, check.name, True, check.severity, check.description, check.expected, rows=0, note=note)
