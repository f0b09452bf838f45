"""What to do about a case: steps, the words for each channel and scenario, offers with their limits, eligibility.

Belongs here: the frozen types a playbook file is validated with, the look-up of a script and the pure checks on caps.
Not here: the words themselves (`programme/<company>/playbooks/`), choosing between playbooks
(`models/recommendation.py`), sums already given (`cases/offers.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


class ValueBand(Strict):
    """Customers worth at least so much a year may be given `factor` times the cap of the severity."""

    at_least_usd: Decimal = Field(ge=0)
    factor: Decimal = Field(gt=0, le=10)


class Offer(Strict):
    """Something of value for the customer. Caps are dollars; a severity without a cap gets no offer.

    A customer with `flag_after` offers in 12 months is flagged: the next one needs an approval whatever its amount.
    """

    code: str
    title: str
    cap_usd_by_severity: dict[int, Decimal]
    per_customer_12_months_usd: Decimal | None = Field(default=None, ge=0)
    max_per_customer_12_months: int | None = Field(default=None, ge=0)
    approvals: tuple[Approval, ...] = ()
    value_bands: tuple[ValueBand, ...] = ()
    flag_after: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _caps_make_sense(self) -> Self:
        if any(level not in (1, 2, 3, 4) or cap < 0 for level, cap in self.cap_usd_by_severity.items()):
            raise ValueError(f"{self.code}: caps are per severity 1 to 4 and not negative")
        return self

    def allowed_usd(
        self,
        *,
        severity: int,
        spent_12_months_usd: Decimal,
        given_12_months: int,
        value_usd: Decimal | None = None,
    ) -> Decimal:
        """Most this customer may be offered now, in dollars; zero when a limit is used up. An unknown value is no band."""
        if self.max_per_customer_12_months is not None and given_12_months >= self.max_per_customer_12_months:
            return Decimal(0)
        cap = self.cap_usd_by_severity.get(severity, Decimal(0)) * self._factor(value_usd)
        if self.per_customer_12_months_usd is not None:
            cap = min(cap, self.per_customer_12_months_usd - spent_12_months_usd)
        return max(cap, Decimal(0))

    def _factor(self, value_usd: Decimal | None) -> Decimal:
        reached = [band for band in self.value_bands if value_usd is not None and value_usd >= band.at_least_usd]
        return max(reached, key=lambda band: band.at_least_usd).factor if reached else Decimal(1)

    def is_flagged(self, given_12_months: int) -> bool:
        """Whether so many offers in 12 months make the next one a matter for somebody else's eyes."""
        return self.flag_after is not None and given_12_months >= self.flag_after

    def approver(self, amount_usd: Decimal, *, given_12_months: int = 0) -> str | None:
        """Role that must agree to the amount: the one with the highest threshold below it; None when nobody must.

        For a flagged customer at least the lowest approving role (a team lead when the offer names none).
        """
        needed = [step for step in self.approvals if amount_usd > step.above_usd]
        if needed:
            return max(needed, key=lambda step: step.above_usd).role
        if not self.is_flagged(given_12_months):
            return None
        return min(self.approvals, key=lambda step: step.above_usd).role if self.approvals else "team_lead"


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


@dataclass(frozen=True, slots=True)
class Script:
    """Words for one channel; `scenario` is a cause or `severity_1` .. `severity_4`, None for every other case."""

    channel: str
    scenario: str | None
    text: str


class Scripts:
    """The scripts of a playbook, from its Markdown: a section `## email` or `## phone: fee_dispute` each.

    Raises `ValueError` for text before the first section, an empty section, one given twice, or a scenario that has no
    plain section of its channel to fall back to.
    """

    def __init__(self, body: str) -> None:
        self.scripts = tuple(_sections(body))
        keys = [(script.channel, script.scenario) for script in self.scripts]
        if len(set(keys)) != len(keys):
            raise ValueError("a section is given twice")
        bare = sorted({channel for channel, _ in keys} - {channel for channel, scenario in keys if scenario is None})
        if bare:
            raise ValueError(f"channel {bare[0]} has scenarios but no plain section `## {bare[0]}`")

    @property
    def channels(self) -> frozenset[str]:
        """Channels there are words for."""
        return frozenset(script.channel for script in self.scripts)

    def find(self, channel: str, *, cause_id: str | None, severity: int) -> Script | None:
        """The words for a case: of its cause before its severity before the plain ones; None for an unknown channel."""
        by_key = {(script.channel, script.scenario): script for script in self.scripts}
        wanted = [cause_id, f"severity_{severity}"] if cause_id else [f"severity_{severity}"]
        found = (by_key.get((channel, scenario)) for scenario in [*wanted, None])
        return next((script for script in found if script is not None), None)


_HEADING = re.compile(r"^## ([a-z_]+)(?:: ([a-z0-9_]+))?$")


def _sections(body: str) -> Iterator[Script]:
    heading: re.Match[str] | None = None
    lines: list[str] = []
    for line in [*body.splitlines(), "## end"]:
        if not line.startswith("## "):
            lines.append(line)
            continue
        text = "\n".join(lines).strip()
        if heading is not None:
            if not text:
                raise ValueError(f"section `{heading[0]}` is empty")
            yield Script(heading[1], heading[2], text)
        elif text:
            raise ValueError("the words of a playbook stand below a heading such as `## email`")
        heading, lines = _HEADING.match(line), []
        if heading is None:
            raise ValueError(f"`{line}` is no section: write `## channel` or `## channel: scenario`")
