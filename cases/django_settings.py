"""Settings module for tools that want `DJANGO_SETTINGS_MODULE=cases.django_settings` (makemigrations, pytest-django).

Nothing else belongs here: programs call `cases.conf.setup(settings)`.
"""

from __future__ import annotations

from cases import conf
from models.settings import load_settings

DATABASES = {"default": conf.database(load_settings())}
INSTALLED_APPS = conf.INSTALLED_APPS
DEFAULT_AUTO_FIELD = conf.DEFAULT_AUTO_FIELD
USE_TZ = True
TIME_ZONE = "UTC"
