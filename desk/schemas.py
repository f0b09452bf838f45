"""What requests may say: strict shapes with limits, so that nothing unexpected gets as far as the engine.

Belongs here: shapes of requests. Not here: what a move needs (`models/case.py`), shapes of answers (plain values of
`cases/`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from cases.questionnaires import Scalar
from models.case import SERVICE_KINDS, EventKind
from models.label import Question

# Ids reach queries, keys and calendars: letters, digits and a few marks, never a space or a line break.
Id = Annotated[str, StringConstraints(pattern=r"^[\w.:@+|/-]{1,128}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$", strip_whitespace=True)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=8_000, strip_whitespace=True, pattern=r"^[^\x00]*$")]

# What a person may say with each event. `assigned` has an address of its own, because it asks who is there; `expired`
# comes of time alone.
PAYLOADS: dict[EventKind, frozenset[str]] = {
    EventKind.ROUTED: frozenset({"team", "reason"}),
    EventKind.SEVERITY_CHANGED: frozenset({"severity", "reason"}),
    EventKind.PLAYBOOK_CHOSEN: frozenset({"playbook_code", "reason"}),
    EventKind.STEP_DONE: frozenset({"step", "minutes", "cost_usd", "channel"}),
    EventKind.RELEASED: frozenset({"reason"}),
    EventKind.WORK_STARTED: frozenset(),
    EventKind.CONTACTED: frozenset({"channel", "minutes", "direction", "note"}),
    EventKind.NOTE_ADDED: frozenset({"note"}),
    EventKind.WAITING_STARTED: frozenset({"reason", "until"}),
    EventKind.WAITING_ENDED: frozenset({"reason"}),
    EventKind.ESCALATED: frozenset({"reason", "to", "to_role"}),
    EventKind.ACKNOWLEDGED: frozenset(),
    EventKind.CUSTOMER_REPLIED: frozenset({"channel", "note"}),
    EventKind.RESOLVED: frozenset({"playbook_code", "minutes", "note"}),
    EventKind.CLOSED: frozenset({"outcome_code", "comment", "cause_id"}),
    EventKind.CUSTOMER_INFORMED: frozenset({"channel", "message_id", "note"}),
    EventKind.LOOP_CLOSED: frozenset(),
    EventKind.VERIFIED: frozenset({"method", "note"}),
    EventKind.REOPENED: frozenset({"reason"}),
    EventKind.MERGED: frozenset({"into"}),
    EventKind.UNMERGED: frozenset({"reason"}),
    EventKind.INVALIDATED: frozenset({"reason"}),
}
if PAYLOADS.keys() & SERVICE_KINDS:
    raise RuntimeError("an event of the engine is open to people")


class Strict(Schema):
    """A body that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid")


class OpenCaseIn(Strict):
    """A case a person asks for: about a customer or a subject."""

    reason: Words
    severity: int = Field(ge=1, le=4)
    kind: Literal["recovery", "excellence", "breakdown"] = "recovery"
    customer_id: Id | None = None
    subject_type: Code | None = None
    subject_id: Id | None = None
    cause_id: Code | None = None
    journey: Code | None = None
    value_usd: float | None = Field(default=None, ge=0, le=1e12)
    segment: Line | None = None
    region: Line | None = None
    branch_id: Id | None = None


class EventIn(Strict):
    """One thing that happened, with what its kind may say."""

    kind: EventKind
    payload: dict[str, Words | int | float | None] = Field(default_factory=dict, max_length=10)


class AssignIn(Strict):
    """Who shall have the case, and why."""

    owner_id: Id
    reason: Line = "assigned by hand"


class OriginalIn(Strict):
    """Which signal's words before redaction, and why they are needed."""

    signal_id: Id
    reason: Line


class NoteIn(Strict):
    """A note on a case."""

    note: Words


class MessageIn(Strict):
    """A message to the customer in the programme's words; `values` fill the template's fields."""

    template: Code
    channel: Code | None = None
    values: dict[str, Words | int | float] = Field(default_factory=dict, max_length=50)


class OfferIn(Strict):
    """One step of an offer: asking (with an amount), agreeing, refusing (with a reason) or issuing."""

    step: Literal["request", "approve", "refuse", "issue"]
    offer_code: Code
    amount_usd: float | None = Field(default=None, gt=0, le=1e6)
    reason: Line | None = None


class ReleaseIn(Strict):
    """What shall become of a parked message, and why."""

    decision: Literal["send-again", "was-sent", "drop"]
    reason: Line


class PostIn(Strict):
    """One contribution to a thread."""

    body: Words
    reply_to: int | None = Field(default=None, ge=1)


class AnswersIn(Strict):
    """Answers by question."""

    answers: dict[str, Scalar] = Field(max_length=50)


class LabelIn(Strict):
    """What a person says a signal is about; a value of null says that it cannot be told."""

    signal_id: Id
    question: Question
    value: Id | None


class FollowUpIn(Strict):
    """A follow-up to be planned; it is put into the working hours of the owner's team."""

    subject_type: Literal["case", "cause", "report"]
    subject_id: Id
    title: Line
    starts_at: AwareDatetime
    minutes: int = Field(default=30, ge=5, le=480)


class FollowUpMove(Strict):
    """Where a follow-up moves to."""

    starts_at: AwareDatetime
    minutes: int = Field(default=30, ge=5, le=480)


class ErasureIn(Strict):
    """Whose words shall be removed."""

    customer_id: Id


class CaseQuery(Strict):
    """Filters of the list; what is left out narrows nothing. `state`, `team`, `severity` and `kind` may be repeated."""

    state: list[Code] = Field(default=[], max_length=10)
    team: list[Code] = Field(default=[], max_length=20)
    severity: list[int] = Field(default=[], max_length=4)
    kind: list[Code] = Field(default=[], max_length=3)
    owner: Id | None = None
    unowned: bool = False
    overdue: bool | None = None
    due_within_seconds: int | None = Field(default=None, ge=-(10**9), le=10**9)
    opened_from: AwareDatetime | None = None
    opened_before: AwareDatetime | None = None
    after: Id | None = None
    search: Line | None = None


def utc(at: datetime | None) -> str | None:
    """An instant as JSON says it."""
    return None if at is None else at.isoformat()
