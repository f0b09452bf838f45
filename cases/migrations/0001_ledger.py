"""Tables of the ledger."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    """Create every table."""

    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="Case",
            fields=[
                ("case_id", models.TextField(primary_key=True, serialize=False)),
                ("case_no", models.BigIntegerField(unique=True)),
                ("dedup_key", models.CharField(max_length=64, unique=True)),
                ("episode_key", models.TextField(db_index=True)),
                ("case_kind", models.TextField()),
                ("rule_id", models.TextField()),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("customer_id", models.TextField(null=True)),
                ("journey", models.TextField(null=True)),
                ("cause_id", models.TextField(null=True)),
                ("theme_id", models.TextField(null=True)),
                ("episode_started_at", models.DateTimeField()),
                ("value_usd", models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                ("segment", models.TextField(null=True)),
                ("region", models.TextField(null=True)),
                ("created_by_type", models.TextField()),
                ("created_by_id", models.TextField()),
            ],
            options={
                "indexes": [models.Index(fields=["customer_id", "cause_id"], name="cases_case_customer_cause")],
            },
        ),
        migrations.CreateModel(
            name="CaseEvent",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seq", models.IntegerField()),
                ("kind", models.TextField()),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("actor_type", models.TextField()),
                ("actor_id", models.TextField()),
                ("state_after", models.TextField()),
                ("payload", models.TextField()),
                ("prev_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "case",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="cases.case"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CaseTrigger",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("trigger_id", models.TextField(unique=True)),
                ("signal_id", models.TextField(null=True)),
                ("rule_id", models.TextField()),
                ("rule_hash", models.TextField()),
                ("occurred_at", models.DateTimeField()),
                ("lineage", models.TextField()),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="cases.case")),
            ],
        ),
        migrations.CreateModel(
            name="EventText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField()),
                ("body", models.TextField()),
                ("event", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="cases.caseevent")),
            ],
        ),
        migrations.CreateModel(
            name="SubjectRef",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("ref_type", models.TextField()),
                ("ref_id", models.TextField()),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="cases.case")),
            ],
        ),
        migrations.CreateModel(
            name="AppliedResolution",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("resolution_id", models.TextField()),
                ("aspect", models.TextField()),
                (
                    "case",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="cases.case"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("resolution_id", "aspect"), name="cases_appliedresolution_once")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="caseevent",
            constraint=models.UniqueConstraint(fields=("case", "seq"), name="cases_event_case_seq"),
        ),
        migrations.AddConstraint(
            model_name="eventtext",
            constraint=models.UniqueConstraint(fields=("event", "key"), name="cases_eventtext_once"),
        ),
        migrations.AddConstraint(
            model_name="subjectref",
            constraint=models.UniqueConstraint(fields=("ref_type", "ref_id", "case"), name="cases_subjectref_ref_case"),
        ),
    ]
