"""Whom incidents have hit, guarded like everything append-only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.db import migrations, models

_first = import_module("cases.migrations.0002_append_only")
TABLE = "cases_incidentmember"


def install(apps: Any, schema_editor: Any) -> None:
    """Create the guards in the dialect of the ledger's database."""
    if schema_editor.connection.vendor == "postgresql":
        for action, grain in {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}.items():
            _execute(schema_editor, _first._POSTGRES, action, grain)
    else:
        for action in ("update", "delete"):
            _execute(schema_editor, _first._SQLITE, action, "ROW")


def _execute(schema_editor: Any, text: str, action: str, grain: str) -> None:
    schema_editor.execute(text.format(table=TABLE, action=action, grain=grain), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    """Drop the guards."""
    postgres = schema_editor.connection.vendor == "postgresql"
    for action in ("update", "delete", "truncate") if postgres else ("update", "delete"):
        where = f" ON {TABLE}" if postgres else ""
        schema_editor.execute(f"DROP TRIGGER {TABLE}_no_{action}{where}", params=None)


class Migration(migrations.Migration):
    """One table and its guards."""

    dependencies = (("cases", "0007_cool_off"),)
    operations = (
        migrations.CreateModel(
            name="IncidentMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case_id", models.TextField()),
                ("signal_id", models.TextField(db_index=True)),
                ("customer_id", models.TextField(null=True)),
                ("attached_at", models.DateTimeField()),
            ],
            options={
                "constraints": (
                    models.UniqueConstraint(fields=["case_id", "signal_id"], name="cases_incident_member_once"),
                ),
            },
        ),
        migrations.RunPython(install, remove),
    )
