"""Refusals as HTTP: one sentence, never what was sent, and nothing about cases outside the scope.

Belongs here: the table from exceptions to status codes. Not here: deciding any refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from cases.access import KeyReused
from cases.errors import StaleVersion, UnknownCase
from cases.followups import UnknownFollowUp
from cases.offers import OfferRefused
from cases.outbox import NotParked
from cases.questionnaires import AlreadyAnswered
from cases.scope import Forbidden
from casework.originals import NoOriginal, OriginalErased, OriginalRefused
from desk.context import enter
from models.case import IllegalMove
from models.template import MissingField

_CASE_ID = re.compile(r"\bC-[A-Z2-7]{10,20}\b")
_NOTHING = "there is nothing here"
# Enough to mend a request by; a body of 500 bad items would be answered with more than was sent.
_MOST_FAULTS = 100
_NAMES = 3


class Refused(Exception):
    """A refusal of the desk itself, with its status and one sentence, and after how many seconds to come again."""

    def __init__(self, status: int, said: str, *, retry_after: int | None = None) -> None:
        super().__init__(said)
        self.status, self.retry_after = status, retry_after


def install(api: NinjaAPI) -> None:
    """Answer every known refusal the same way on every route."""

    # Its annotation asks for a handler of the class itself; a handler of any exception is one.
    handle: Any = api.add_exception_handler

    def on(*kinds: type[Exception], status: int, said: str | None = None) -> None:
        def respond(request: HttpRequest, error: Exception) -> HttpResponse:
            return _answer(status, said or _sayable(request, str(error)))

        for kind in kinds:
            handle(kind, respond)

    on(UnknownCase, UnknownFollowUp, NotParked, status=404, said=_NOTHING)
    on(NoOriginal, status=404, said="no original is kept under that signal of this case")
    on(OriginalErased, status=410)
    on(Forbidden, OriginalRefused, status=403)
    on(IllegalMove, OfferRefused, MissingField, status=422)
    on(AlreadyAnswered, KeyReused, status=409)
    handle(Refused, _refused)
    handle(StaleVersion, _stale)
    handle(ValidationError, _invalid)
    handle(AuthenticationError, _nobody)
    handle(HttpError, lambda request, error: _answer(400, "the request cannot be read"))


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    if not isinstance(error, Refused):
        raise TypeError("only refusals come here")
    response = _answer(error.status, str(error))
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def _answer(status: int, said: str) -> HttpResponse:
    return JsonResponse({"error": said}, status=status)


def _nobody(request: HttpRequest, error: Exception) -> HttpResponse:
    response = _answer(401, "a valid bearer token is needed")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _stale(request: HttpRequest, error: Exception) -> HttpResponse:
    """412 with what the caller has not seen: the difference, and the version to look at."""
    if not isinstance(error, StaleVersion):
        raise TypeError("only stale versions come here")
    said = {"error": "the case has moved on", "version": error.actual, "changes": list(error.changes)}
    response = JsonResponse(said, status=412)
    response["ETag"] = f'"{error.actual}"'
    return response


def _invalid(request: HttpRequest, error: Exception) -> HttpResponse:
    """422 with the fields and what is wrong about them; neither values nor keys the caller made up."""
    if not isinstance(error, ValidationError):
        raise TypeError("only validation errors come here")
    faults = [
        {"field": _field(fault), "problem": str(fault.get("type", "invalid"))} for fault in error.errors[:_MOST_FAULTS]
    ]
    return JsonResponse({"error": "the request does not fit", "faults": faults}, status=422)


def _field(fault: dict[str, object]) -> str:
    where = fault.get("loc")
    parts = list(where) if isinstance(where, list | tuple) else []
    known = parts[:-1] if fault.get("type") == "extra_forbidden" else parts
    # Below the first field of a body, or of an item of one, lie keys of the caller's own making.
    names = [i for i, part in enumerate(known) if not isinstance(part, int)]
    return ".".join(str(part) for part in (known if len(names) <= _NAMES else known[: names[_NAMES]]))


def _sayable(request: HttpRequest, said: str) -> str:
    """The sentence with every case number the caller may not know left out."""
    named = set(_CASE_ID.findall(said))
    if not named:
        return said
    visible = enter(request).cases.visible(named)
    replace: Callable[[re.Match[str]], str] = lambda m: m.group() if m.group() in visible else "another case"  # noqa: E731
    return _CASE_ID.sub(replace, said)
