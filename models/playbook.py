"""What to do about a case: steps, the words for each channel and scenario, offers with their limits, eligibility.

Belongs here: the frozen types a playbook file is validated with, the look-up of a script and the pure checks on caps.
Not here: the words themselves (`programme/<company>/playbooks/`), choosing between playbooks
(`models/recommendation.py`), sums already given (`cases/offers.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Self, TypedDict, get_args

from pydantic import Field, model_validator

from models.routing import ROUTING_FIELDS, Match, Strict


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

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for what, codes in (("step", [s.code for s in self.steps]), ("offer", [o.code for o in self.offers])):
            if len(set(codes)) != len(codes):
                raise ValueError(f"{self.code}: a {what} code is used twice")
        if unknown := sorted({c.field for c in self.eligibility.conditions} - ROUTING_FIELDS):
            raise ValueError(f"{self.code}: a case has no field {', '.join(unknown)}")
        return self

    @property
    def reaches_customer(self) -> bool:
        """Whether a step of it tells the customer something."""
        return any(step.tells_customer for step in self.steps)

    def eligible(self, facts: Mapping[str, Any]) -> bool:
        """Whether the playbook may be used for a case with these facts."""
        return self.eligibility.holds(facts)


Tone = Literal["angry", "anxious", "disappointed", "matter_of_fact"]
_TONES: tuple[Tone, ...] = get_args(Tone)


@dataclass(frozen=True, slots=True)
class Script:
    """Words for one channel, and for which cases: what is None holds for all. `line` is where they begin, from 1."""

    channel: str
    text: str
    line: int
    cause_id: str | None = None
    severity: int | None = None
    tone: Tone | None = None

    @property
    def scenario(self) -> tuple[str | None, int | None, Tone | None]:
        """Cause, severity and tone, in the order in which they count."""
        return self.cause_id, self.severity, self.tone

    def suits(self, channel: str, cause_id: str | None, severity: int, tone: Tone | None) -> bool:
        """Whether nothing the script asks for differs from the case."""
        asked = zip(self.scenario, (cause_id, severity, tone), strict=True)
        return self.channel == channel and all(want is None or want == have for want, have in asked)


class ScriptFault(ValueError):
    """The words of a playbook are not in order. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Scripts:
    """The scripts of a playbook, from its Markdown: sections such as `## email`, `## phone: fee_dispute` or
    `## phone: fee_dispute, severity_1, angry`.

    Raises `ScriptFault` for text before the first section, an empty section, one given twice, or a scenario that has no
    plain section of its channel to fall back to.
    """

    def __init__(self, body: str) -> None:
        self.scripts = tuple(_sections(body))
        seen: set[tuple[object, ...]] = set()
        for script in self.scripts:
            if (script.channel, *script.scenario) in seen:
                raise ScriptFault(script.line, "a section is given twice")
            seen.add((script.channel, *script.scenario))
        for script in self.scripts:
            if (script.channel, None, None, None) not in seen:
                raise ScriptFault(
                    script.line, f"{script.channel} has scenarios but no plain section `## {script.channel}`"
                )

    @property
    def channels(self) -> frozenset[str]:
        """Channels there are words for."""
        return frozenset(script.channel for script in self.scripts)

    @property
    def causes(self) -> frozenset[str]:
        """Causes some of the words are for."""
        return frozenset(script.cause_id for script in self.scripts if script.cause_id)

    def find(self, channel: str, *, cause_id: str | None, severity: int, tone: Tone | None = None) -> Script | None:
        """The most specific words for a case: cause counts before severity before tone. None for an unknown channel."""
        fitting = [script for script in self.scripts if script.suits(channel, cause_id, severity, tone)]
        return max(fitting, key=lambda script: [part is not None for part in script.scenario], default=None)


_HEADING = re.compile(r"^## ([a-z_]+)(?:: ([a-z0-9_]+(?:, [a-z0-9_]+)*))?$")


def _sections(body: str) -> Iterator[Script]:
    heading, begins, lines = "", 1, list[str]()
    for number, line in enumerate([*body.splitlines(), "## end"], start=1):
        if not line.startswith("## "):
            lines.append(line)
            continue
        text = "\n".join(lines)
        if heading:
            yield _script(heading, text, begins)
        elif text.strip():
            raise ScriptFault(begins, "the words of a playbook stand below a heading such as `## email`")
        heading, begins, lines = line, number, []


def _script(heading: str, text: str, line: int) -> Script:
    """One section; `line` is the line of its heading."""
    found = _HEADING.match(heading)
    if found is None:
        raise ScriptFault(line, f"`{heading}` is no section: write `## channel` or `## channel: scenario`")
    if not text.strip():
        raise ScriptFault(line, f"section `{heading}` is empty")
    words = found[2].split(", ") if found[2] else []
    blank = len(text) - len(text.lstrip("\n"))
    return Script(found[1], text.strip(), line + 1 + blank, **_scenario(words, line))


def _scenario(words: Sequence[str], line: int) -> _Scenario:
    said: _Scenario = {}
    for word in words:
        if tone := next((tone for tone in _TONES if tone == word), None):
            part: _Scenario = {"tone": tone}
        elif severity := re.fullmatch(r"severity_([1-4])", word):
            part = {"severity": int(severity[1])}
        else:
            part = {"cause_id": word}
        if set(part) & set(said):
            raise ScriptFault(line, f"`{', '.join(words)}` says {next(iter(part))} twice")
        said.update(part)
    return said


class _Scenario(TypedDict, total=False):
    cause_id: str
    severity: int
    tone: Tone
