"""Every address of the desk.

Belongs here: the table. Not here: what lies behind an address.
"""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from desk.api import api
from desk.calendar import feed
from desk.health import healthz

urlpatterns = [
    path("api/", api.urls),
    path("calendar/<str:token>.ics", feed),
    path("healthz", healthz),
]


def _error(status: int, said: str) -> JsonResponse:
    return JsonResponse({"error": said}, status=status)


def handler400(request: HttpRequest, exception: Exception) -> JsonResponse:
    """A request that cannot be read."""
    return _error(400, "the request cannot be read")


def handler403(request: HttpRequest, exception: Exception) -> JsonResponse:
    """A request that is refused."""
    return _error(403, "refused")


def handler404(request: HttpRequest, exception: Exception) -> JsonResponse:
    """An address that leads nowhere."""
    return _error(404, "there is nothing here")


def handler500(request: HttpRequest) -> JsonResponse:
    """A fault of ours; what it was is in the log, never in the answer."""
    return _error(500, "something went wrong here")
