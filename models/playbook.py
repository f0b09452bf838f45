"""What to do about a case: steps, offers with their limits, approval and eligibility.

Belongs here: the frozen types a playbook file is validated with, and the pure checks on caps. Not here: scripts and
templates as text (`programme/playbooks/`), choosing between playbooks (`ml/recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from models.routing import Match, Strict


class Step(Strict):
    """One thing to do. `within_hours` counts from assignment on the clock of the case."""

    code: str
    title: str
    channel: str | None = None
    within_hours: float | None = Field(default=None, gt=0)
    tells_customer: bool = False


class Approval(Strict):
    """Who must agree once an offer is worth more than `above_usd`."""

    above_usd: Decimal = Field(ge=0)
    role: str


class Offer(Strict):
    """Something of value for the customer. Caps are dollars; a severity without a cap gets no offer."""

    code: str
    title: str
    cap_usd_by_severity: dict[int, Decimal]
    per_customer_12_months_usd: Decimal | None = Field(default=None, ge=0)
    max_per_customer_12_months: int | None = Field(default=None, ge=0)
    approvals: tuple[Approval, ...] = ()

    @model_validator(mode="after")
    def _caps_make_sense(self) -> Self:
        if any(level not in (1, 2, 3, 4) or cap < 0 for level, cap in self.cap_usd_by_severity.items()):
            raise ValueError(f"{self.code}: caps are per severity 1 to 4 and not negative")
        return self

    def allowed_usd(self, *, severity: int, spent_12_months_usd: Decimal, given_12_months: int) -> Decimal:
        """Most this customer may be offered now, in dollars; zero when a limit is used up."""
        if self.max_per_customer_12_months is not None and given_12_months >= self.max_per_customer_12_months:
            return Decimal(0)
        cap = self.cap_usd_by_severity.get(severity, Decimal(0))
        if self.per_customer_12_months_usd is not None:
            cap = min(cap, self.per_customer_12_months_usd - spent_12_months_usd)
        return max(cap, Decimal(0))

    def approver(self, amount_usd: Decimal) -> str | None:
        """Role that must agree to the amount: the one with the highest threshold below it; None when nobody must."""
        needed = [step for step in self.approvals if amount_usd > step.above_usd]
        return max(needed, key=lambda step: step.above_usd).role if needed else None


class Playbook(Strict):
    """One recovery play. `eligibility` decides for which cases it may be recommended."""

    code: str
    title: str
    steps: tuple[Step, ...] = Field(min_length=1)
    offers: tuple[Offer, ...] = ()
    eligibility: Match = Match()

    def eligible(self, facts: Mapping[str, Any]) -> bool:
        """Whether the playbook may be used for a case with these facts."""
        return self.eligibility.holds(facts)
