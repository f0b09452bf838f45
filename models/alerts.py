"""alerts.yml and how often a rule was right: what a team can be asked to read in a week, and what is never held back.

Belongs here: the typed file with its defaults, and a rule's precision from its ended cases. Not here: who is told now
and in which words (`casework/`), what has been sent (the ledger).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Self

from pydantic import Field, model_validator

from models.routing import Strict

_Z95 = 1.959963984540054


class Breaker(Strict):
    """Floods: at `trips_at` alerts within `minutes` the rest is summed up, until fewer than `closes_below` are left."""

    minutes: int = Field(default=15, ge=1, le=1_440)
    trips_at: int = Field(default=30, ge=2)
    closes_below: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.closes_below >= self.trips_at:
            raise ValueError(f"closes_below {self.closes_below} has to be less than trips_at {self.trips_at}")
        return self


class AlertPolicy(Strict):
    """alerts.yml; the defaults hold for a programme without the file.

    A person keeps reading some 5 to 8 alerts a week, so 7 is the default for each; a team's week is that times its
    people. Severities up to `never_demote_severity` and vulnerable or regulated matters go out whatever was sent.
    """

    per_person_a_week: int = Field(default=7, ge=1, le=1_000)
    never_demote_severity: int = Field(default=1, ge=1, le=4)
    never_demote_vulnerable: bool = True
    never_demote_regulated: bool = True
    group_minutes: int = Field(default=60, ge=0)
    team_breaker: Breaker = Breaker()
    overall_breaker: Breaker = Breaker(trips_at=120, closes_below=40)

    def weekly_budget(self, people: int) -> int:
        """Alerts a team of so many people gets in a week at once. Raises `ValueError` for fewer than none."""
        if people < 0:
            raise ValueError(f"a team has no fewer than 0 people, not {people}")
        return self.per_person_a_week * people

    def never_demoted(self, severity: int, *, vulnerable: bool, regulated: bool) -> bool:
        """Whether an alert goes out at once even when the budget is used up."""
        protected = (vulnerable and self.never_demote_vulnerable) or (regulated and self.never_demote_regulated)
        return severity <= self.never_demote_severity or protected


@dataclass(frozen=True, slots=True)
class RulePrecision:
    """Share of a rule's ended cases that were not marked invalid, of `n`; all None while none has ended."""

    n: int
    share: float | None
    low: float | None
    high: float | None


def rule_precision(valid: int, invalid: int) -> RulePrecision:
    """Precision with its 95 % interval (Wilson 1927), which stays within 0..1 and is honest for few cases.

    Raises `ValueError` for a negative count.
    """
    if valid < 0 or invalid < 0:
        raise ValueError(f"counts are not negative: {valid} valid, {invalid} invalid")
    n = valid + invalid
    if n == 0:
        return RulePrecision(0, None, None, None)
    share, slack = valid / n, _Z95**2 / n
    middle = (share + slack / 2) / (1 + slack)
    half = _Z95 * sqrt(share * (1 - share) / n + slack / (4 * n)) / (1 + slack)
    return RulePrecision(n, share, max(0.0, middle - half), min(1.0, middle + half))
