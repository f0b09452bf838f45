"""Loaded by every Python process of the tested loop: refuses and records any look-up of a name outside this machine."""

import os
import socket
from pathlib import Path

_LOG = os.environ.get("AMENDS_LOOKUP_LOG")
_real_getaddrinfo, _real_connect = socket.getaddrinfo, socket.socket.connect
_LOCAL = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()}


def _note(what: str) -> None:
    with Path(_LOG).open("a", encoding="utf-8") as log:
        log.write(what + "\n")


def _getaddrinfo(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _LOCAL:
        _note(f"look-up of {name}")
        raise socket.gaierror(f"outside look-up refused: {name}")
    return _real_getaddrinfo(host, *args, **kwargs)


def _connect(self, address):
    if isinstance(address, tuple) and address[0] not in _LOCAL:
        _note(f"connection to {address[0]}")
        raise OSError(f"outside connection refused: {address[0]}")
    return _real_connect(self, address)


if _LOG:
    socket.getaddrinfo = _getaddrinfo
    socket.socket.connect = _connect
