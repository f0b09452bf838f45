"""Requests to the desk in this process, as JSON, with a token."""

from __future__ import annotations

import json
from typing import Any


class Client:
    """Speaks for one token (or none) under a loopback name."""

    def __init__(self, token: str | None) -> None:
        from django.test import Client as Inner

        self.inner = Inner(HTTP_HOST="localhost")
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> Any:
        """GET; headers by name with underscores."""
        return self.inner.get(path, headers=self._headers(headers))

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Any method with a JSON body."""
        data = body if isinstance(body, str | bytes) else json.dumps(body or {})
        return self.inner.generic(method, path, data, content_type="application/json", headers=self._headers(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """POST with a JSON body."""
        return self.send("POST", path, body, **headers)

    def act(self, case_id: str, kind: str, version: int | None = None, **payload: Any) -> Any:
        """One event on the version seen (default: the newest)."""
        seen = version or self.get(f"/api/cases/{case_id}").json()["state"]["version"]
        body = {"kind": kind, "payload": payload}
        return self.post(f"/api/cases/{case_id}/events", body, If_Match=f'"{seen}"')

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in more.items()}
