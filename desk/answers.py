"""Answers as JSON, their ETags, and answers that are given once.

Belongs here: turning plain values into responses, `If-Match` and `Idempotency-Key`. Not here: any route.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse

from cases import access
from cases.listing import CaseLine
from cases.scope import Page
from desk.auth import wall_clock
from desk.context import Desk
from desk.errors import Refused
from models.case import CaseState

_VERSION = re.compile(r'^"(\d{1,9})"$')
_KEY = re.compile(r"^[\x21-\x7e]{8,128}$")


def as_json(value: object) -> str:
    """Plain values as JSON; times as ISO 8601, amounts as text."""
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")


def answer(value: object, status: int = 200) -> HttpResponse:
    """One JSON document."""
    return HttpResponse(as_json(value), status=status, content_type="application/json")


def page(found: Page) -> dict[str, Any]:
    """A page of cases as JSON says it."""
    return {"items": [line(item) for item in found.items], "next_after": found.next_after}


def line(found: CaseLine) -> dict[str, Any]:
    """One line of a list as JSON says it."""
    return asdict(found)


def of_state(case_id: str, state: CaseState) -> dict[str, Any]:
    """What an edit answers: where the case stands now."""
    return {
        "case_id": case_id, "version": state.version, "state": state.state, "severity": state.severity,
        "team": state.team, "owner_id": state.owner_id,
    }  # fmt: skip


def versioned(value: object, version: int, status: int = 200) -> HttpResponse:
    """A document about one case, with its version as ETag."""
    response = answer(value, status)
    response["ETag"] = f'"{version}"'
    return response


def unless_known(request: HttpRequest, value: object) -> HttpResponse:
    """The document with an ETag of its content, or 304 when the caller has it already."""
    body = as_json(value)
    tag = f'"{sha256(body.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="application/json")
    response["ETag"] = tag
    return response


def seen_version(request: HttpRequest) -> int:
    """The version an edit names. 428 without one (`*` names none), 400 for what is not one of our ETags."""
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        raise Refused(428, "name the version you saw: If-Match with the ETag of the case")
    found = _VERSION.match(header)
    if found is None:
        raise Refused(400, "If-Match holds one ETag of a case")
    return int(found.group(1))


def idempotency_key(request: HttpRequest) -> str:
    """The caller's key. 400 for a missing one, or one that is not 8 to 128 visible characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None or not _KEY.match(key):
        raise Refused(400, "Idempotency-Key holds 8 to 128 visible characters of your own making")
    return key


def once(
    request: HttpRequest, desk: Desk, do: Callable[[], tuple[int, object]], *, required: bool = False
) -> HttpResponse:
    """Do something and answer; under an `Idempotency-Key` it is done once and the same answer given again.

    400 for a missing key where one is required, or one that is not 8 to 128 visible characters.
    """
    if request.headers.get("Idempotency-Key") is None and not required:
        status, said = do()
        return answer(said, status)
    key = idempotency_key(request)

    def told() -> tuple[int, str]:
        status, said = do()
        return status, as_json(said)

    asked = b"\n".join(
        [
            str(request.method).encode(),
            request.path.encode(),
            request.headers.get("If-Match", "").encode(),
            request.body,
        ]
    )
    kept = access.answer_once(desk.principal.id, key, asked, told, at=wall_clock())
    response = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    response["Idempotent-Replay"] = "true" if kept.is_replay else "false"
    return response
