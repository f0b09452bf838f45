"""Database triggers that refuse to change or remove what the ledger has recorded.

A later migration that rebuilds one of these tables on SQLite must install its guards again: SQLite drops triggers with
the table. `EventText` is left out because what people typed must be erasable.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

TABLES = ("cases_case", "cases_caseevent", "cases_casetrigger", "cases_subjectref", "cases_appliedresolution")

_SQLITE = """
CREATE TRIGGER {table}_no_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""
_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION cases_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
_POSTGRES = """
CREATE TRIGGER {table}_no_{action} BEFORE {action} ON {table}
FOR EACH {grain} EXECUTE FUNCTION cases_refuse_change()
"""


def install(apps: Any, schema_editor: Any) -> None:
    """Create the guards in the dialect of the ledger's database."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_POSTGRES_FUNCTION)
        grains, text = {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}, _POSTGRES
    else:
        grains, text = {"update": "ROW", "delete": "ROW"}, _SQLITE
    for table in TABLES:
        for action, grain in grains.items():
            schema_editor.execute(text.format(table=table, action=action, grain=grain), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    """Drop the guards again."""
    postgres = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        for action in ("update", "delete", "truncate") if postgres else ("update", "delete"):
            where = f" ON {table}" if postgres else ""
            schema_editor.execute(f"DROP TRIGGER {table}_no_{action}{where}", params=None)


class Migration(migrations.Migration):
    """Install the guards."""

    dependencies = (("cases", "0001_ledger"),)
    operations = (migrations.RunPython(install, remove),)
