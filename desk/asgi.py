"""The desk as an ASGI application, with the size of a body held down before Django spools it.

Belongs here: that wrapper. Not here: starting a server (`amends/commands/api.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from desk import conf
from models.settings import Settings

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class BodyTooLarge(RuntimeError):
    """More bytes came than a request may have."""


def application(settings: Settings, hosts: tuple[str, ...] = ()) -> Application:
    """The application that serves `settings`."""
    conf.setup(settings, hosts)
    from django.core.asgi import get_asgi_application

    return bounded(get_asgi_application(), conf.MAX_BODY_BYTES)


def bounded(inner: Application, limit: int) -> Application:
    """The application, cut off with 413 once a body without a stated length has grown over `limit` bytes."""

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise BodyTooLarge
            return message

        try:
            await inner(scope, counted, send)
        except BodyTooLarge:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})

    return serve
