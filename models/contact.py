"""Whether a message may leave now: consent, quiet hours, pauses between contacts, and who must not be contacted at all.

Belongs here: the typed contact.yml and the pure decision, taken at the moment of sending. Not here: reading consents
and past contacts (`cases/contacts.py`), sending. The order is by weight: what forbids for good comes before what
forbids for now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from models.routing import Strict

Purpose = Literal["internal", "service", "closure", "incident", "survey", "marketing", "referral"]
CONSENT_NEEDED: frozenset[Purpose] = frozenset({"survey", "marketing", "referral"})
# Flags of a person that stop outreach whatever anybody agreed to.
STOPPING_FLAGS = frozenset({"deceased", "minor", "legal_hold", "shared_address"})


class QuietHours(Strict):
    """Nobody is contacted from `start` to `end`, local time of the customer; the span may cross midnight."""

    start: time = time(20, 0)
    end: time = time(8, 0)

    @model_validator(mode="after")
    def _leaves_a_choice(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours that end when they start are none or all day: say another time")
        return self

    def until(self, at: datetime, zone: str) -> datetime | None:
        """End of the quiet hours (UTC) when `at` lies in them; None when it does not."""
        local = at.astimezone(ZoneInfo(zone))
        now = local.time()
        crosses = self.start > self.end
        quiet = (now >= self.start or now < self.end) if crosses else self.start <= now < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1) if crosses and now >= self.start else local.date()
        ends = datetime.combine(day, self.end, ZoneInfo(zone)).astimezone(UTC)
        # In an hour that a clock repeats the end may have passed once already: then its second passing counts.
        if ends <= at:
            ends = datetime.combine(day, self.end, ZoneInfo(zone)).replace(fold=1).astimezone(UTC)
        return ends


class ContactPolicy(Strict):
    """contact.yml. `pause_days` and `most_in_30_days` count contacts of a person across all cases; `exempt` purposes
    answer the customer's own matter and are neither paused nor counted against the most. `zone` stands in where the
    customer's own is unknown. What could only leave after `give_up_after_days` is not sent at all.
    """

    zone: str
    quiet_hours: QuietHours = QuietHours()
    pause_days: float = Field(default=3.0, ge=0)
    most_in_30_days: int = Field(default=4, ge=1)
    give_up_after_days: float = Field(default=14.0, gt=0, le=366)
    exempt: tuple[Purpose, ...] = ("closure",)
    # What an unknown consent means for service replies; for surveys, marketing and referrals unknown is always no.
    service_needs_consent: bool = False
    vulnerable_channels: tuple[str, ...] = ("phone", "letter")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"'{value}' is not a time zone of the tz database") from error
        return value

    @model_validator(mode="after")
    def _marketing_is_never_exempt(self) -> Self:
        if CONSENT_NEEDED & set(self.exempt):
            raise ValueError("surveys, marketing and referrals are never exempt")
        return self


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known about a person at the moment of sending. `consents` holds the newest word per (channel, purpose);
    `contacts` are the moments (UTC) of messages sent to the person, or possibly sent, in all cases.
    """

    do_not_contact: bool = False
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    contacts: tuple[datetime, ...] = ()
    flags: frozenset[str] = frozenset()
    zone: str | None = None
    outreach_suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`allow`, `defer` until a moment (UTC), or `suppress` for good; with every reason that counted."""

    verdict: Literal["allow", "defer", "suppress"]
    reasons: tuple[str, ...]
    until: datetime | None = None


def decide(channel: str, purpose: Purpose, person: ContactFacts, policy: ContactPolicy, now: datetime) -> Decision:
    """Whether a message of this purpose may go to this person on this channel now.

    A deferral names the first moment at which nothing known today stands against it; it is asked again then. Raises
    `ValueError` for a moment without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("the moment of sending has no time zone")
    if reasons := _forbidden(channel, purpose, person, policy):
        return Decision("suppress", reasons)
    waits = _waits(purpose, person, policy, now)
    if not waits:
        return Decision("allow", ("nothing stands against it",))
    until = max(moment for moment, _ in waits)
    # After a pause the hour may be quiet again.
    until = policy.quiet_hours.until(until, _zone(person, policy)) or until
    reasons = tuple(reason for _, reason in waits)
    if until - now > timedelta(days=policy.give_up_after_days):
        late = f"it could only leave after more than {policy.give_up_after_days:g} days"
        return Decision("suppress", (*reasons, late))
    return Decision("defer", reasons, until)


def _zone(person: ContactFacts, policy: ContactPolicy) -> str:
    """The person's time zone; the policy's where it is unknown or no zone, so that one bad row cannot stop a sender."""
    try:
        return ZoneInfo(person.zone).key if person.zone else policy.zone
    except (KeyError, ValueError, OSError):
        return policy.zone


def _forbidden(channel: str, purpose: Purpose, person: ContactFacts, policy: ContactPolicy) -> tuple[str, ...]:
    reasons = []
    if person.do_not_contact:
        reasons.append("the address is on the do-not-contact list")
    reasons += [f"the person is marked {flag}" for flag in sorted(person.flags & STOPPING_FLAGS)]
    if person.outreach_suppressed:
        reasons.append("the case is history: nobody is contacted about it")
    if "vulnerable" in person.flags and channel not in policy.vulnerable_channels:
        reasons.append(f"a vulnerable customer is not written to by {channel}")
    consent = person.consents.get((channel, _consent_kind(purpose)))
    needed = purpose in CONSENT_NEEDED or policy.service_needs_consent
    if consent is False:
        reasons.append(f"the customer said no to {_consent_kind(purpose)} by {channel}")
    elif consent is None and needed:
        reasons.append(f"no consent to {_consent_kind(purpose)} by {channel} is known")
    return tuple(reasons)


def _consent_kind(purpose: Purpose) -> str:
    """Consent is given to service, surveys or marketing; a referral ask is marketing, a closure is service."""
    if purpose in ("marketing", "referral"):
        return "marketing"
    return "survey" if purpose == "survey" else "service"


def _waits(purpose: Purpose, person: ContactFacts, policy: ContactPolicy, now: datetime) -> list[tuple[datetime, str]]:
    waits: list[tuple[datetime, str]] = []
    quiet = policy.quiet_hours.until(now, _zone(person, policy))
    if quiet is not None:
        waits.append((quiet, "it is quiet hours where the customer is"))
    if purpose in policy.exempt:
        return waits
    # Contacts that lie ahead of `now` count too: they are there when a clock was set back.
    past = sorted(person.contacts)
    pause = timedelta(days=policy.pause_days)
    if past and past[-1] + pause > now:
        waits.append((past[-1] + pause, f"the last contact is less than {policy.pause_days:g} days ago"))
    recent = [moment for moment in past if moment > now - timedelta(days=30)]
    if len(recent) >= policy.most_in_30_days:
        free = recent[-policy.most_in_30_days] + timedelta(days=30)
        waits.append((free, f"{policy.most_in_30_days} contacts in 30 days are the most"))
    return waits
