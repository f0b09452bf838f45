"""Registration of the ledger with Django. Nothing is started or read here."""

from __future__ import annotations

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The ledger as a Django app."""

    name = "cases"
    label = "cases"
    verbose_name = "Case ledger"
    default_auto_field = "django.db.models.BigAutoField"
