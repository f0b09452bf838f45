"""Column types of the ledger's tables, typed once.

Belongs here: what Django's fields need so that types are known and rows stay cheap. Not here: any table.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _Number = models.BigIntegerField[int, int]
else:
    _Number = models.BigIntegerField


class DenseId(_Number):
    """A number the writer gives under the write lock. On SQLite the row id itself, which saves an index per table."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """`integer`, exactly, makes SQLite use the column as its row id; elsewhere 64 bits."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


def text(**options: Any) -> models.TextField[str, str]:
    """Text that is always there."""
    return models.TextField(**options)


def text_or_none(**options: Any) -> models.TextField[str | None, str | None]:
    """Text that may be unknown."""
    return models.TextField(null=True, **options)


def digest(**options: Any) -> models.CharField[str, str]:
    """A SHA-256 as hexadecimal text."""
    return models.CharField(max_length=64, **options)


def moment(**options: Any) -> models.DateTimeField[datetime, datetime]:
    """An instant (UTC)."""
    return models.DateTimeField(**options)


def moment_or_none(**options: Any) -> models.DateTimeField[datetime | None, datetime | None]:
    """An instant (UTC) that may not have come."""
    return models.DateTimeField(null=True, **options)


def day() -> models.DateField[date, date]:
    """A calendar day."""
    return models.DateField()


def day_or_none() -> models.DateField[date | None, date | None]:
    """A calendar day that may not have come."""
    return models.DateField(null=True)


def number(**options: Any) -> models.IntegerField[int, int]:
    """A whole number."""
    return models.IntegerField(**options)


def dollars() -> models.DecimalField[Decimal, Decimal]:
    """An amount to the cent."""
    return models.DecimalField(max_digits=18, decimal_places=2)
