"""What people say in review, guarded like everything append-only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.db import migrations, models

_first = import_module("cases.migrations.0002_append_only")
TABLE = "cases_label"


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

    dependencies = (("cases", "0005_audit"),)
    operations = (
        migrations.CreateModel(
            name="Label",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("label_id", models.CharField(max_length=64, unique=True)),
                ("signal_id", models.TextField()),
                ("question", models.TextField()),
                ("value", models.TextField(null=True)),
                ("basis", models.TextField()),
                ("labeller", models.TextField()),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("text_hash", models.TextField(null=True)),
                ("version", models.TextField(null=True)),
                ("supersedes", models.TextField(null=True)),
                ("reason", models.TextField(null=True)),
                ("inclusion", models.FloatField(null=True)),
                ("model_value", models.TextField(null=True)),
                ("model_confidence", models.FloatField(null=True)),
                ("model_id", models.TextField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["signal_id", "question"], name="cases_label_signal")],
            },
        ),
        migrations.RunPython(install, remove),
    )
