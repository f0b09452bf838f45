"""Django configured from our own settings: which database the ledger is and how durable it must be.

Belongs here: the database options and the one call (`setup`) every process makes before it uses the ledger. Not here:
anything of the case desk (it brings its own Django settings and calls `database`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings as django_settings
from django.db import connections

from models.settings import Settings, load_settings

INSTALLED_APPS = ["cases"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# FULL: an acknowledged edit survives a power cut. secure_delete: what erasure removes is overwritten.
# recursive_triggers: without it INSERT OR REPLACE would slip past the triggers that keep the ledger append-only.
# The cache (64 MB) and the longer log (32 MB between checkpoints) are for batches: the keys arrive in random order.
_PRAGMAS = (
    "PRAGMA busy_timeout=60000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
    "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=8000;"
)


class NotConfigured(RuntimeError):
    """The ledger was used before `cases.conf.setup(settings)`."""


def database(settings: Settings) -> dict[str, Any]:
    """Django's description of the ledger: the SQLite file, or the PostgreSQL behind `ledger_url`.

    Raises `ValueError` for a URL that is not PostgreSQL (the message never repeats the URL: it holds a password).
    """
    if settings.ledger_url:
        return _postgres(settings.ledger_url)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(settings.ledger_path),
        # IMMEDIATE takes the write lock at BEGIN, so a transaction that read first can never fail to write later.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": _PRAGMAS},
    }


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or len(parts.path) < 2:
        raise ValueError("AMENDS_LEDGER_URL must read postgresql://user:password@host:port/database")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def setup(settings: Settings) -> None:
    """Make this process use the ledger of `settings`. Cheap to repeat; another ledger replaces the one in use.

    Under foreign Django settings (the desk, pytest-django) only the default database is pointed at the ledger.
    """
    wanted = database(settings)
    if not django_settings.configured:
        django_settings.configure(
            DATABASES={"default": wanted},
            INSTALLED_APPS=INSTALLED_APPS,
            DEFAULT_AUTO_FIELD=DEFAULT_AUTO_FIELD,
            USE_TZ=True,
            TIME_ZONE="UTC",
        )
    django.setup()
    _point_at(wanted)


def _point_at(wanted: dict[str, Any]) -> None:
    current = connections.databases["default"]
    if all(current.get(key) == value for key, value in wanted.items()):
        return
    connections["default"].close()
    connections.databases["default"] = connections.configure_settings({"default": wanted})["default"]
    del connections["default"]


def ensure_configured() -> None:
    """Configure Django for the ledger of the environment's settings, if nobody has configured it yet."""
    if not django_settings.configured:
        setup(load_settings())


def require_setup() -> None:
    """Raise `NotConfigured` unless this process has said which ledger it means."""
    if not django_settings.configured:
        raise NotConfigured("call cases.conf.setup(settings) before using the ledger")
