"""Who asks: the bearer token of a request, as a principal.

Belongs here: that one lookup. Not here: making tokens (`cases/access.py`), what a principal may do (`models/access.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja.security import HttpBearer

from cases import access
from models.access import Principal

# Longer than any token of ours: nothing longer is worth hashing.
_LONGEST = 200


def wall_clock() -> datetime:
    """The moment tokens, keys and the audit are about, whatever moment the engine stands at."""
    return datetime.now(UTC)


class BearerToken(HttpBearer):
    """`Authorization: Bearer <token>`; anything else is 401."""

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        """The principal of a valid token."""
        return access.principal_of(token, at=wall_clock()) if len(token) <= _LONGEST else None
