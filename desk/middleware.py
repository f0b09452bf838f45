"""What holds for every answer: which hosts are served, how large a request may be, and the headers of a closed door.

Belongs here: rules that no route may forget. Not here: who asks (`desk/auth.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from cases import audit
from desk.auth import wall_clock
from desk.conf import MAX_BODY_BYTES
from models.access import Principal

# An API has nothing to render: no script, frame, image or style may come of an answer, whoever opens it.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def guarded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware of every request."""

    def respond(request: HttpRequest) -> HttpResponse:
        # Refuses names we are not served under, so that no page can reach a loopback desk by rebinding its own.
        request.get_host()
        response = _too_large(request) or get_response(request)
        _note(request, response)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    return respond


def _too_large(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) <= MAX_BODY_BYTES:
        return None
    return JsonResponse({"error": f"a request has at most {MAX_BODY_BYTES} bytes"}, status=413)


def _note(request: HttpRequest, response: HttpResponse) -> None:
    """Every request of somebody who was let in, refused or not: the route and what it was about, never the address."""
    who = getattr(request, "auth", None)
    match = request.resolver_match
    if not isinstance(who, Principal) or match is None:
        return
    names = ("case_id", "subject_id", "message_no", "uid")
    named = next((str(match.kwargs[name]) for name in names if name in match.kwargs), None)
    subject = getattr(request, "audit_subject", named)
    audit.record(who, f"{request.method} /{match.route}", subject, response.status_code, at=wall_clock())
