"""Django set up for serving: the ledger's own settings, and what a web server needs on top.

Belongs here: those few settings and the installation the desk serves. Not here: routes, headers, anything about cases.
No sessions, no cookies, no CSRF token: a request proves itself by its bearer token or is nobody's.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings as django_settings

from cases import conf
from models.settings import Settings

# A case with its longest comment is a few kilobytes; nothing here takes a file.
MAX_BODY_BYTES = 256 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def setup(settings: Settings, hosts: tuple[str, ...] = ()) -> None:
    """Serve the ledger of `settings` in this process, under loopback names and `hosts`. Cheap to repeat."""
    conf.setup(settings)
    django_settings.ROOT_URLCONF = "desk.urls"
    django_settings.MIDDLEWARE = ["desk.middleware.guarded"]
    django_settings.ALLOWED_HOSTS = [*LOOPBACK, *hosts]
    django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
    django_settings.DEBUG = False
    django_settings.APPEND_SLASH = False
    django_settings.AMENDS = settings


def served() -> Settings:
    """The installation this process serves."""
    return cast(Settings, django_settings.AMENDS)
