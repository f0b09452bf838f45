"""Messages as signed JSON to a web address somebody allowed.

Belongs here: one POST, its signature, and the refusal of addresses inside the network. Not here: chat services
(`messaging/chat.py`). Redirects are not followed: they would lead to addresses nobody allowed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection
from dataclasses import asdict
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from socket import SocketType
from urllib.parse import urlsplit

from messaging.envelope import Envelope, Outcome


class AddressNotAllowed(ValueError):
    """The address is not one a web hook may be sent to."""


class WebhookTransport:
    """POSTs to one URL. `allowed_hosts` must name its host; a private or loopback address must be named as such, so that
    a name somebody points at the inside of the network reaches nothing.

    The body is signed with HMAC-SHA256 in `X-Amends-Signature`. Raises `AddressNotAllowed` at set-up.
    """

    def __init__(
        self, url: str, secret: bytes, *, allowed_hosts: Collection[str], timeout_seconds: float = 10.0
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or host not in allowed_hosts:
            raise AddressNotAllowed("name the host of the web hook in AMENDS_WEBHOOK_HOSTS")
        if parts.scheme == "http" and not _is_local(host):
            raise AddressNotAllowed("a web hook outside this machine needs https")
        self.parts, self.secret, self.timeout = parts, secret, timeout_seconds
        self.path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self.allowed = frozenset(allowed_hosts)

    def send(self, envelope: Envelope) -> Outcome:
        """Try once; see `Outcome`."""
        body = json.dumps(asdict(envelope), ensure_ascii=False, sort_keys=True).encode()
        kind = HTTPSConnection if self.parts.scheme == "https" else HTTPConnection
        connection = kind(self.parts.hostname or "", self.parts.port, timeout=self.timeout)
        try:
            connection.connect()
        except OSError as error:
            return Outcome("failed", f"no connection: {type(error).__name__}")
        try:
            if not self._may_reach(connection.sock):
                return Outcome("refused", "the name leads into the network, to an address nobody allowed")
            connection.request("POST", self.path, body, self._headers(envelope, body))
            return _answer(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            return Outcome("unknown", f"after the words: {type(error).__name__}")
        finally:
            connection.close()

    def _may_reach(self, connected: SocketType) -> bool:
        """Asked of the connection itself: the name may mean another address the next time it is looked up."""
        address = str(connected.getpeername()[0])
        return ip_address(address).is_global or address in self.allowed or (self.parts.hostname == "localhost")

    def _headers(self, envelope: Envelope, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Idempotency-Key": envelope.message_id,
            "X-Amends-Signature": hmac.new(self.secret, body, sha256).hexdigest(),
        }


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome("sent", str(status))
    if status in (425, 429, 503):
        return Outcome("failed", f"answered {status}")
    # A server or gateway that broke down may have passed the words on before.
    return Outcome("unknown" if status == 408 or status >= 500 else "refused", f"answered {status}")
