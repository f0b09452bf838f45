"""Tables beside the chain, and dense ids that are SQLite's own row ids: one index less on each of the hot tables."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

import cases.models.fields


class Migration(migrations.Migration):
    """Create and rebuild tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("cases", "0002_append_only"),
    ]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="Absence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.TextField(unique=True)),
                ("employee_id", models.TextField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.TextField()),
                ("withdraws", models.TextField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("token_hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("principal_id", models.TextField()),
                ("role", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("customer_id", models.TextField(db_index=True)),
                ("channel", models.TextField()),
                ("purpose", models.TextField()),
                ("is_allowed", models.BooleanField()),
                ("since", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("source", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="DoNotContact",
            fields=[
                ("contact_hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Position",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("content_hash", models.CharField(max_length=64, unique=True)),
                ("employee_id", models.TextField()),
                ("role", models.TextField()),
                ("team_id", models.TextField()),
                ("manager_id", models.TextField(null=True)),
                ("branch_id", models.TextField(null=True)),
                ("region", models.TextField(null=True)),
                ("skills", models.TextField()),
                ("capacity_units", models.IntegerField()),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ProgrammeVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.CharField(max_length=64)),
                ("company", models.TextField()),
                ("applied_at", models.DateTimeField()),
                ("effective_from", models.DateTimeField()),
                ("applied_by", models.TextField()),
                ("files", models.TextField()),
            ],
        ),
        migrations.AlterField(
            model_name="appliedresolution",
            name="id",
            field=cases.models.fields.DenseId(primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="caseevent",
            name="event_id",
            field=cases.models.fields.DenseId(primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="casetrigger",
            name="id",
            field=cases.models.fields.DenseId(primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="subjectref",
            name="id",
            field=cases.models.fields.DenseId(primary_key=True, serialize=False),
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case_id", models.TextField(unique=True)),
                ("owner_id", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("answers", models.TextField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["owner_id", "asked_at"], name="cases_answer_owner")],
            },
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid", models.TextField()),
                ("sequence", models.IntegerField()),
                ("owner_id", models.TextField(db_index=True)),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("title", models.TextField()),
                ("starts_at", models.DateTimeField()),
                ("minutes", models.IntegerField()),
                ("status", models.TextField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("uid", "sequence"), name="cases_followup_once")],
            },
        ),
        migrations.CreateModel(
            name="IdempotentAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("principal_id", models.TextField()),
                ("key", models.TextField()),
                ("request_hash", models.CharField(max_length=64)),
                ("status", models.IntegerField()),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("principal_id", "key"), name="cases_idempotent_once")],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case_id", models.TextField()),
                ("offer_code", models.TextField()),
                ("customer_id", models.TextField(db_index=True, null=True)),
                ("amount_usd", models.DecimalField(decimal_places=2, max_digits=18)),
                ("issued_at", models.DateTimeField()),
                ("issued_by", models.TextField()),
                ("approved_by", models.TextField(null=True)),
                ("redemption_code", models.TextField(unique=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("case_id", "offer_code"), name="cases_offer_once")],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("message_no", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.TextField(unique=True)),
                ("case_id", models.TextField(db_index=True, null=True)),
                ("delivery", models.TextField()),
                ("purpose", models.TextField()),
                ("channel", models.TextField()),
                ("recipient_type", models.TextField()),
                ("recipient_id", models.TextField()),
                ("template", models.TextField()),
                ("template_version", models.TextField()),
                ("severity", models.IntegerField(default=4)),
                ("subject", models.TextField(null=True)),
                ("body", models.TextField(null=True)),
                ("created_at", models.DateTimeField()),
                ("not_before", models.DateTimeField()),
                ("state", models.TextField()),
                ("attempts", models.IntegerField(default=0)),
                ("lease_token", models.TextField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("last_error", models.TextField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "not_before"], name="cases_outbox_due"),
                    models.Index(fields=["recipient_id", "state"], name="cases_outbox_recipient"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxAttempt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("at", models.DateTimeField()),
                ("detail", models.TextField()),
                ("message", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="cases.outboxmessage")),
            ],
        ),
        migrations.CreateModel(
            name="Post",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("author_id", models.TextField()),
                ("body", models.TextField(null=True)),
                ("body_sha256", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("reply_to", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["subject_type", "subject_id"], name="cases_post_subject")],
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("case_no", cases.models.fields.DenseId(primary_key=True, serialize=False)),
                ("case_id", models.TextField()),
                ("case_kind", models.TextField()),
                ("state", models.TextField()),
                ("severity", models.IntegerField()),
                ("version", models.IntegerField()),
                ("opened_at", models.DateTimeField()),
                ("last_event_at", models.DateTimeField()),
                ("team", models.TextField(null=True)),
                ("owner_role", models.TextField(null=True)),
                ("owner_id", models.TextField(null=True)),
                ("branch_id", models.TextField(null=True)),
                ("region", models.TextField(null=True)),
                ("outreach_suppressed", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["team", "state"], name="cases_standing_team"),
                    models.Index(fields=["owner_id", "state"], name="cases_standing_owner"),
                ],
            },
        ),
    ]
