"""Web hooks against a real HTTP server: signed, never redirected, and honest about what is not known."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from messaging import webhook
from messaging.chat import AppriseTransport
from messaging.envelope import Envelope
from messaging.webhook import WebhookTransport

LETTER = Envelope("abc@amends", "chat", "team:desk", "Grüße", "ça va")
SECRET = b"very secret"


class Hook(ThreadingHTTPServer):
    """Answers with one status, or hangs up; keeps what it was sent."""

    def __init__(self, status: int | None, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.headers, self.taken = status, headers, list[tuple[str, Any, bytes]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?team=1"


class Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers, body))
        if self.server.status is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


Start = Callable[..., Hook]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Hook] = []

    def begin(status: int | None = 200, **headers: str) -> Hook:
        hook = Hook(status, headers)
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        running.append(hook)
        return hook

    yield begin
    for hook in running:
        hook.shutdown()
        hook.server_close()


def way(hook: Hook) -> WebhookTransport:
    return WebhookTransport(hook.url, SECRET, allowed_hosts=["127.0.0.1"], timeout_seconds=2)


def test_a_message_arrives_signed_and_whole(start: Start) -> None:
    hook = start()
    assert way(hook).send(LETTER).result == "sent"
    path, headers, body = hook.taken[0]
    assert path == "/hook?team=1"
    assert headers["X-Amends-Signature"] == hmac.new(SECRET, body, sha256).hexdigest()
    assert headers["Idempotency-Key"] == "abc@amends"
    assert json.loads(body)["body"] == "ça va"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, "sent"), (204, "sent"), (400, "refused"), (404, "refused"), (410, "refused"), (429, "failed"),
     (503, "failed"), (500, "unknown"), (502, "unknown"), (504, "unknown"), (408, "unknown"), (None, "unknown")],
)  # fmt: skip
def test_the_answer_is_the_outcome(start: Start, status: int | None, expected: str) -> None:
    assert way(start(status)).send(LETTER).result == expected


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(start: Start, status: int) -> None:
    elsewhere = start()
    assert way(start(status, Location=elsewhere.url)).send(LETTER).result == "refused"
    assert elsewhere.taken == []


def test_nobody_listening_is_a_failure(start: Start) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    assert WebhookTransport(url, SECRET, allowed_hosts=["127.0.0.1"]).send(LETTER).result == "failed"


def test_an_allowed_name_that_leads_into_the_network_is_sent_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = start()
    way = WebhookTransport("https://hooks.example/x", SECRET, allowed_hosts=["hooks.example"], timeout_seconds=2)

    class Rebound(webhook.HTTPConnection):
        """The name has come to mean this machine."""

        def __init__(self, *_: object, **more: Any) -> None:
            super().__init__("127.0.0.1", hook.server_port, **more)

    monkeypatch.setattr(webhook, "HTTPSConnection", Rebound)
    assert way.send(LETTER).result == "refused"
    assert hook.taken == []


def test_apprise_says_yes_and_a_no_is_not_known(start: Start) -> None:
    taken = start()
    assert AppriseTransport(f"json://127.0.0.1:{taken.server_port}/").send(LETTER).result == "sent"
    assert json.loads(taken.taken[0][2])["message"] == "ça va"
    assert AppriseTransport(f"json://127.0.0.1:{start(500).server_port}/").send(LETTER).result == "unknown"


def test_an_address_cannot_change_where_apprise_sends(start: Start) -> None:
    hook = start()
    target = AppriseTransport(f"json://127.0.0.1:{hook.server_port}/to/{{address}}")
    target.send(Envelope("i@amends", "chat", "a/../../../evil?x=1#y", "s", "b"))
    assert hook.taken[0][0].startswith("/to/a%2F")
