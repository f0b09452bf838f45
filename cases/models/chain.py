"""Tables the hash chain vouches for. All but `EventText` are append-only, which database triggers enforce.

Belongs here: columns, keys and what a row means. Not here: any rule about cases (`models/case.py`) or a write
(`cases/services.py`). Nothing derived is stored except `state_after`, which the chain covers and `verify_chain`
recomputes. Ids are dense and given by the writer under the write lock, so a missing row shows.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import models

from cases.models.fields import DenseId


class Case(models.Model):
    """One row per episode: the immutable head of a case. What happened to it is in `CaseEvent`."""

    case_id: models.TextField[str, str] = models.TextField(primary_key=True)
    case_no: models.BigIntegerField[int, int] = models.BigIntegerField(unique=True)
    dedup_key: models.CharField[str, str] = models.CharField(max_length=64, unique=True)
    # At most one open case per key; kept as a column because finding the episodes of a key is the hot read.
    episode_key: models.TextField[str, str] = models.TextField(db_index=True)
    case_kind: models.TextField[str, str] = models.TextField()
    rule_id: models.TextField[str, str] = models.TextField()
    subject_type: models.TextField[str, str] = models.TextField()
    subject_id: models.TextField[str, str] = models.TextField()
    customer_id: models.TextField[str | None, str | None] = models.TextField(null=True)
    journey: models.TextField[str | None, str | None] = models.TextField(null=True)
    cause_id: models.TextField[str | None, str | None] = models.TextField(null=True)
    theme_id: models.TextField[str | None, str | None] = models.TextField(null=True)
    episode_started_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    value_usd: models.DecimalField[Decimal | None, Decimal | None] = models.DecimalField(
        max_digits=18, decimal_places=2, null=True
    )
    segment: models.TextField[str | None, str | None] = models.TextField(null=True)
    region: models.TextField[str | None, str | None] = models.TextField(null=True)
    created_by_type: models.TextField[str, str] = models.TextField()
    created_by_id: models.TextField[str, str] = models.TextField()

    class Meta:
        """Resolutions without a matching subject look for a customer and cause, a cool-off for a subject and rule."""

        indexes = (
            models.Index(fields=["customer_id", "cause_id"], name="cases_case_customer_cause"),
            models.Index(fields=["subject_id", "rule_id"], name="cases_case_subject_rule"),
        )


class CaseEvent(models.Model):
    """One row per thing that happened to a case; `hash` covers the row and `prev_hash`, the event before it."""

    event_id = DenseId(primary_key=True)
    case: models.ForeignKey[Case, Case] = models.ForeignKey(Case, on_delete=models.PROTECT, db_index=False)
    seq: models.IntegerField[int, int] = models.IntegerField()
    kind: models.TextField[str, str] = models.TextField()
    occurred_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    recorded_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    actor_type: models.TextField[str, str] = models.TextField()
    actor_id: models.TextField[str, str] = models.TextField()
    state_after: models.TextField[str, str] = models.TextField()
    # Canonical JSON as text, not a JSON column: PostgreSQL's jsonb rewrites numbers, and the hash is over these bytes.
    payload: models.TextField[str, str] = models.TextField()
    prev_hash: models.CharField[str, str] = models.CharField(max_length=64)
    hash: models.CharField[str, str] = models.CharField(max_length=64)

    class Meta:
        """The version of a case is its number of events; two writers cannot both write the next one."""

        constraints = (models.UniqueConstraint(fields=["case", "seq"], name="cases_event_case_seq"),)


class CaseTrigger(models.Model):
    """One row per trigger that reached the ledger: the idempotence key, and where the trigger came from."""

    id = DenseId(primary_key=True)
    trigger_id: models.TextField[str, str] = models.TextField(unique=True)
    case: models.ForeignKey[Case, Case] = models.ForeignKey(Case, on_delete=models.PROTECT)
    signal_id: models.TextField[str | None, str | None] = models.TextField(null=True)
    rule_id: models.TextField[str, str] = models.TextField()
    rule_hash: models.TextField[str, str] = models.TextField()
    occurred_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    lineage: models.TextField[str, str] = models.TextField()


class SubjectRef(models.Model):
    """One row per thing a case is about (ticket, complaint): resolutions find their case by it."""

    id = DenseId(primary_key=True)
    case: models.ForeignKey[Case, Case] = models.ForeignKey(Case, on_delete=models.PROTECT)
    ref_type: models.TextField[str, str] = models.TextField()
    ref_id: models.TextField[str, str] = models.TextField()

    class Meta:
        """Read by reference; the same reference may concern several cases."""

        constraints = (
            models.UniqueConstraint(fields=["ref_type", "ref_id", "case"], name="cases_subjectref_ref_case"),
        )


class AppliedResolution(models.Model):
    """One row per resolution and aspect (`resolved`, `informed`) that has changed a case, so that none does twice."""

    id = DenseId(primary_key=True)
    resolution_id: models.TextField[str, str] = models.TextField()
    aspect: models.TextField[str, str] = models.TextField()
    case: models.ForeignKey[Case, Case] = models.ForeignKey(Case, on_delete=models.PROTECT, db_index=False)

    class Meta:
        """A source may report the fix first and only later that the customer was told."""

        constraints = (
            models.UniqueConstraint(fields=["resolution_id", "aspect"], name="cases_appliedresolution_once"),
        )


class EventText(models.Model):
    """What a person typed in an event (comment, note). Erasable: the chain holds only its digest."""

    event: models.ForeignKey[CaseEvent, CaseEvent] = models.ForeignKey(CaseEvent, on_delete=models.PROTECT)
    key: models.TextField[str, str] = models.TextField()
    body: models.TextField[str, str] = models.TextField()

    class Meta:
        """One text per event and key."""

        constraints = (models.UniqueConstraint(fields=["event", "key"], name="cases_eventtext_once"),)
