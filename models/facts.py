"""The facts a case is opened and resolved with: a rule that fired, what a source says was done, whom a breakdown hit.

Belongs here: the typed facts and the key of an episode. Not here: the states of a case (`models/case.py`), or
reading facts from tables (`cases/feed.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.case import Actor, CaseKind, Payload

_CASE_KINDS = tuple(str(kind) for kind in CaseKind)
SubjectRefs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """A rule that fired. Times are UTC, `value_usd` dollars, severity 1 (worst) to 4; unknown stays None.

    `subject_refs` are the (type, id) pairs of what the signal is about, such as ("ticket", "123"): resolutions are
    matched by them. `lineage` holds the keys of `models.lineage.Lineage`. Raises `ValueError` for a naive time, an
    unknown kind or a severity outside 1..4.
    """

    trigger_id: str
    rule_id: str
    rule_hash: str
    kind: str
    subject_type: str
    subject_id: str
    severity: int
    occurred_at: datetime
    signal_id: str | None = None
    customer_id: str | None = None
    journey: str | None = None
    cause_id: str | None = None
    theme_id: str | None = None
    value_usd: float | None = None
    segment: str | None = None
    region: str | None = None
    branch_id: str | None = None
    source: str | None = None
    dedupe_days: int = 0
    cool_off_days: int | None = None
    is_historic: bool = False
    evidence: str = "{}"
    subject_refs: SubjectRefs = ()
    lineage: Payload = field(default_factory=dict)
    # Set when a person opened the case by hand; a rule that fired has no actor but the system.
    opened_by: Actor | None = None

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError(f"trigger {self.trigger_id}: occurred_at has no time zone")
        if self.severity not in (1, 2, 3, 4) or self.kind not in _CASE_KINDS:
            raise ValueError(f"trigger {self.trigger_id}: severity runs from 1 to 4, kind is one of {_CASE_KINDS}")

    @property
    def dedupe_window(self) -> timedelta:
        """How long after its last signal an ended case still takes further signals."""
        return timedelta(days=self.dedupe_days)

    @property
    def rule_subject(self) -> tuple[str, str, str, str]:
        """Within what a cool-off holds: the rule, its kind of case and the subject, whatever the concern."""
        return self.rule_id, self.kind, self.subject_type, self.subject_id

    @property
    def concern(self) -> str:
        """What the episode is about: the cause, else the journey, the theme, the matter; '-' when nobody knows.

        Two signals of unknown cause about two tickets are two concerns: joined, the end of one would close the other.
        """
        matter = ":".join(self.subject_refs[0]) if self.subject_refs else None
        return self.cause_id or self.journey or self.theme_id or matter or "-"

    @property
    def episode_key(self) -> str:
        """Key under which at most one case is open: kind, subject and concern."""
        return f"{self.kind}|{self.subject_type}:{self.subject_id}|{self.concern}"


@dataclass(frozen=True, slots=True)
class ResolutionFact:
    """What a source says was done about a subject. Times are UTC, `offer_usd` dollars; unknown stays None."""

    resolution_id: str
    subject_type: str
    subject_id: str
    resolved_at: datetime
    outcome: str
    customer_id: str | None = None
    cause_id: str | None = None
    playbook_code: str | None = None
    offer_usd: float | None = None
    owner_id: str | None = None
    first_action_at: datetime | None = None
    customer_informed_at: datetime | None = None
    handling_minutes: float | None = None
    source: str = "resolutions"

    def __post_init__(self) -> None:
        for at in (self.resolved_at, self.first_action_at, self.customer_informed_at):
            if at is not None and at.tzinfo is None:
                raise ValueError(f"resolution {self.resolution_id}: a time has no time zone")


@dataclass(frozen=True, slots=True)
class AffectedFact:
    """A signal that tells of a breakdown, and its customer where known."""

    breakdown_id: str
    signal_id: str
    customer_id: str | None = None
