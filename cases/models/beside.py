"""Tables beside the chain: what must be unique, leased, scoped or effective-dated, and what must be erasable.

Belongs here: columns, keys and what a row means. Whatever changes a case also writes an event in the same transaction;
these tables exist because a chain of events cannot hold a unique key, a lease or a sum under a cap. `Standing` is the
one derived table (the fold of each case, for lists); `amends check invariants` holds it against the events. Which
tables are append-only says the migration that installs their guards.
"""

from __future__ import annotations

from django.db import models

from cases.models.fields import (
    DenseId,
    day,
    day_or_none,
    digest,
    dollars,
    moment,
    moment_or_none,
    number,
    text,
    text_or_none,
)


class Standing(models.Model):
    """One row per case, kept in the transaction that writes its events: what lists and scopes are asked for."""

    case_no = DenseId(primary_key=True)
    case_id = text()
    case_kind = text()
    state = text()
    severity = number()
    version = number()
    opened_at = moment()
    last_event_at = moment()
    team = text_or_none()
    owner_role = text_or_none()
    owner_id = text_or_none()
    branch_id = text_or_none()
    region = text_or_none()
    outreach_suppressed: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    class Meta:
        """Queues are read by team and by owner."""

        indexes = (
            models.Index(fields=["team", "state"], name="cases_standing_team"),
            models.Index(fields=["owner_id", "state"], name="cases_standing_owner"),
        )


class OutboxMessage(models.Model):
    """One row per message that shall leave, written with the event that asks for it. `key` makes it exist once.

    `delivery` is `alert` (at least once), `customer` (at most once, then parked for a person). The texts may hold
    personal data: they can be erased without touching the chain.
    """

    message_no: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    key = text(unique=True)
    case_id = text_or_none(db_index=True)
    delivery = text()
    purpose = text()
    channel = text()
    recipient_type = text()
    recipient_id = text()
    template = text()
    template_version = text()
    severity = number(default=4)
    subject = text_or_none()
    body = text_or_none()
    created_at = moment()
    not_before = moment()
    state = text()
    attempts = number(default=0)
    lease_token = text_or_none()
    lease_until = moment_or_none()
    last_error = text_or_none()
    settled_at = moment_or_none()

    class Meta:
        """A sender looks for what is due; contact policy for what a customer got."""

        indexes = (
            models.Index(fields=["state", "not_before"], name="cases_outbox_due"),
            models.Index(fields=["recipient_id", "state"], name="cases_outbox_recipient"),
        )


class OutboxAttempt(models.Model):
    """One row per thing that happened to a message: claimed, allowed, sent, failed, parked, released. Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    message: models.ForeignKey[OutboxMessage, OutboxMessage] = models.ForeignKey(
        OutboxMessage, on_delete=models.PROTECT
    )
    kind = text()
    at = moment()
    detail = text()


class Offer(models.Model):
    """One row per offer issued: at most one of a code per case, summed under its caps in the same transaction."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    case_id = text()
    offer_code = text()
    customer_id = text_or_none(db_index=True)
    amount_usd = dollars()
    issued_at = moment()
    issued_by = text()
    approved_by = text_or_none()
    redemption_code = text(unique=True)

    class Meta:
        """Money leaves once."""

        constraints = (models.UniqueConstraint(fields=["case_id", "offer_code"], name="cases_offer_once"),)


class ProgrammeVersion(models.Model):
    """One row per programme applied: its files as they were, in force from `effective_from`. Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    version = digest()
    company = text()
    applied_at = moment()
    effective_from = moment()
    applied_by = text()
    files = text()


class Position(models.Model):
    """One row per version of a person's position as HR reported it; of one (person, first day) the newest counts."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    content_hash = digest(unique=True)
    employee_id = text()
    role = text()
    team_id = text()
    manager_id = text_or_none()
    branch_id = text_or_none()
    region = text_or_none()
    skills = text()
    capacity_units = number()
    valid_from = day()
    valid_to = day_or_none()
    recorded_at = moment()


class Absence(models.Model):
    """One row per absence told, or per withdrawal of one (`withdraws` names the key). Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    key = text(unique=True)
    employee_id = text()
    starts_at = moment()
    ends_at = moment()
    recorded_at = moment()
    recorded_by = text()
    withdraws = text_or_none()


class Consent(models.Model):
    """One row per word of a customer about a channel and purpose; the newest counts. Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    customer_id = text(db_index=True)
    channel = text()
    purpose = text()
    is_allowed: models.BooleanField[bool, bool] = models.BooleanField()
    since = moment()
    recorded_at = moment()
    source = text()


class DoNotContact(models.Model):
    """One row per address nobody may write to, as a keyed hash: it outlives the erasure of the person. Append-only."""

    contact_hash = digest(primary_key=True)
    reason = text()
    since = moment()


class AccessToken(models.Model):
    """One row per token of the API. Only its SHA-256 is kept."""

    token_hash = digest(primary_key=True)
    principal_id = text()
    role = text()
    created_at = moment()
    expires_at = moment()
    revoked_at = moment_or_none()


class IdempotentAnswer(models.Model):
    """One row per idempotency key used: the same request gets the same answer, another is refused."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    principal_id = text()
    key = text()
    request_hash = digest()
    status = number()
    body = text()
    created_at = moment()

    class Meta:
        """Keys are a principal's own."""

        constraints = (models.UniqueConstraint(fields=["principal_id", "key"], name="cases_idempotent_once"),)


class Post(models.Model):
    """One row per contribution to a thread on a case, a cause or a report. The body can be erased."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    subject_type = text()
    subject_id = text()
    author_id = text()
    body = text_or_none()
    body_sha256 = digest()
    created_at = moment()
    reply_to: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(null=True)

    class Meta:
        """Read by what it is about."""

        indexes = (models.Index(fields=["subject_type", "subject_id"], name="cases_post_subject"),)


class Answer(models.Model):
    """One row per questionnaire put to the owner of a closed case; unanswered until `answered_at`."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    case_id = text(unique=True)
    owner_id = text()
    asked_at = moment()
    answered_at = moment_or_none()
    answers = text_or_none()

    class Meta:
        """The weekly budget is counted per owner."""

        indexes = (models.Index(fields=["owner_id", "asked_at"], name="cases_answer_owner"),)


class FollowUp(models.Model):
    """One row per version of a follow-up in somebody's calendar (RFC 5545: UID stays, SEQUENCE counts). Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    uid = text()
    sequence = number()
    owner_id = text(db_index=True)
    subject_type = text()
    subject_id = text()
    title = text()
    starts_at = moment()
    minutes = number()
    status = text()
    recorded_at = moment()

    class Meta:
        """A version is written once."""

        constraints = (models.UniqueConstraint(fields=["uid", "sequence"], name="cases_followup_once"),)


class AuditEntry(models.Model):
    """One row per request to the API that names somebody's data: who, what, about what, how it ended. Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    at = moment()
    principal_id = text()
    role = text()
    action = text()
    subject_id = text_or_none(db_index=True)
    status = number()


class Label(models.Model):
    """One row per answer of a person about a signal, given in review; the newest of a person counts. Append-only.

    What closings, questionnaires and invalid cases say is not stored here: it is read from where it is (`cases/labels.py`).
    """

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    label_id = digest(unique=True)
    signal_id = text()
    question = text()
    value = text_or_none()
    basis = text()
    labeller = text()
    at = moment()
    recorded_at = moment()
    text_hash = text_or_none()
    version = text_or_none()
    supersedes = text_or_none()
    reason = text_or_none()
    inclusion: models.FloatField[float | None, float | None] = models.FloatField(null=True)
    model_value = text_or_none()
    model_confidence: models.FloatField[float | None, float | None] = models.FloatField(null=True)
    model_id = text_or_none()

    class Meta:
        """The queue asks who has answered what."""

        indexes = (models.Index(fields=["signal_id", "question"], name="cases_label_signal"),)


class IncidentMember(models.Model):
    """One row per signal attached to an incident case, with its customer where known. Append-only."""

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    case_id = text()
    signal_id = text(db_index=True)
    customer_id = text_or_none()
    attached_at = moment()

    class Meta:
        """A signal is attached to an incident once."""

        constraints = (models.UniqueConstraint(fields=["case_id", "signal_id"], name="cases_incident_member_once"),)
