"""Whether the desk is up: for whoever restarts it.

Belongs here: one answer without a token and without a detail.
"""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from cases import services
from desk.conf import served


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the ledger can be read and has every table of this version, else 503."""
    ok = services.ledger_ready(served())
    return JsonResponse({"ok": ok}, status=200 if ok else 503)
