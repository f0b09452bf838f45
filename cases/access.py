"""Tokens of the API, and answers given once: both are remembered in the ledger.

Belongs here: making, finding and revoking tokens; the same answer to the same request. Not here: what a role may do
(`models/access.py`), which cases it sees (`cases/scope.py`), HTTP (`desk/`). Idempotency as in Stripe's API: the key is
the caller's, the stored answer goes out again, and the same key on another request is refused
(https://docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from cases.db import write_transaction
from cases.models import AccessToken, IdempotentAnswer
from models.access import ROLES, Principal, Role

# 32 random bytes: there is nothing to guess, so a plain SHA-256 is enough to keep.
_TOKEN_BYTES = 32
# A calendar program cannot send a header; its address carries a token that opens this one feed and nothing else.
FEED_ROLE = "feed"
# The name of a system that sends feedback is part of the key of every item it sends.
_SENDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class UnknownToken(LookupError):
    """No token begins like that, or more than one does."""


class KeyReused(ValueError):
    """The idempotency key was used for another request."""


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What may be told about a token: never the token. `fingerprint` is the beginning of its hash."""

    fingerprint: str
    principal_id: str
    role: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP status and a JSON body, and whether they were given before."""

    status: int
    body: str
    is_replay: bool = False


def issue_token(principal_id: str, role: str, *, at: datetime, expires_at: datetime) -> str:
    """Make a token and return it, for the only time. Times are UTC.

    Raises `ValueError` for an unknown role, an empty principal, an end that is not after `at`, or a sender whose name is not
    made of letters, digits, `.`, `-` and `_`.
    """
    if role not in (*ROLES, FEED_ROLE):
        raise ValueError(f"there is no role of that name; there are {', '.join(ROLES)}")
    if not principal_id.strip() or expires_at <= at:
        raise ValueError("a token is for somebody, and ends after it begins")
    if role == "sender" and not _SENDER.fullmatch(principal_id):
        raise ValueError("a sender is named in letters, digits, and . - _")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    AccessToken.objects.create(
        token_hash=_digest(token), principal_id=principal_id, role=role, created_at=at, expires_at=expires_at
    )
    return token


def principal_of(token: str, *, at: datetime) -> Principal | None:
    """Whose token it is; None for an unknown, expired or revoked one, and for the token of a feed."""
    row = _valid(token, at)
    if row is None or row.role == FEED_ROLE:
        return None
    return Principal(row.principal_id, cast(Role, row.role))


def feed_owner(token: str, *, at: datetime) -> str | None:
    """Whose calendar a feed token opens; None for any other token."""
    row = _valid(token, at)
    return row.principal_id if row is not None and row.role == FEED_ROLE else None


def _valid(token: str, at: datetime) -> AccessToken | None:
    digest = _digest(token)
    row = AccessToken.objects.filter(token_hash=digest).first()
    # The lookup is by hash, so its timing tells nothing about a token; compared again in constant time all the same.
    if row is None or not hmac.compare_digest(row.token_hash, digest):
        return None
    return row if row.revoked_at is None and row.created_at <= at < row.expires_at else None


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def tokens() -> list[TokenInfo]:
    """Every token made, newest first."""
    rows = AccessToken.objects.order_by("-created_at", "token_hash")
    return [
        TokenInfo(r.token_hash[:12], r.principal_id, r.role, r.created_at, r.expires_at, r.revoked_at) for r in rows
    ]


def revoke_token(fingerprint: str, *, at: datetime) -> TokenInfo:
    """End the token whose hash begins like that; ending it twice changes nothing. Raises `UnknownToken`."""
    with write_transaction():
        found = list(AccessToken.objects.filter(token_hash__startswith=fingerprint)[:2]) if len(fingerprint) > 7 else []
        if len(found) != 1:
            raise UnknownToken("name at least 8 characters of exactly one token's fingerprint")
        row = found[0]
        if row.revoked_at is None:
            row.revoked_at = at
            row.save(update_fields=["revoked_at"])
    return TokenInfo(row.token_hash[:12], row.principal_id, row.role, row.created_at, row.expires_at, row.revoked_at)


def answer_once(
    principal_id: str, key: str, request: bytes, do: Callable[[], tuple[int, str]], *, at: datetime
) -> StoredAnswer:
    """Do something and keep its answer under the caller's key, in one transaction; a second time only answer.

    `request` is what the caller asked, byte for byte. An exception of `do` rolls everything back and leaves the key
    free. Raises `KeyReused` when the key belongs to another request.
    """
    digest = sha256(request).hexdigest()
    with write_transaction():
        known = IdempotentAnswer.objects.filter(principal_id=principal_id, key=key).first()
        if known is not None:
            if not hmac.compare_digest(known.request_hash, digest):
                raise KeyReused("the idempotency key was used for another request")
            return StoredAnswer(known.status, known.body, is_replay=True)
        status, body = do()
        IdempotentAnswer.objects.create(
            principal_id=principal_id, key=key, request_hash=digest, status=status, body=body, created_at=at
        )
    return StoredAnswer(status, body)


def forget_answers(before: datetime) -> int:
    """Remove answers kept since before that moment; how many. Their keys are free again."""
    removed, _ = IdempotentAnswer.objects.filter(created_at__lt=before).delete()
    return removed
