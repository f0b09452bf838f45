"""Refusals a caller can act on. Illegal moves are `models.case.IllegalMove`; a misused set-up is `cases.conf`'s."""

from __future__ import annotations


class UnknownCase(LookupError):
    """There is no such case."""


class StaleVersion(RuntimeError):
    """The case has moved on since the caller looked. `changes` lists the events the caller has not seen."""

    def __init__(self, case_id: str, expected: int, actual: int, changes: tuple[str, ...]) -> None:
        super().__init__(f"{case_id} is at version {actual}, not {expected}: {'; '.join(changes) or 'no such version'}")
        self.case_id = case_id
        self.expected = expected
        self.actual = actual
        self.changes = changes
