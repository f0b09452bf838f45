"""What waits in the inbox, without taking it: the question a sensor asks every few seconds.

Belongs here: comparing the inbox with what the registry has seen, by path, size and time. Not here: reading a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from intake.contracts import load_contracts
from intake.registry import reading
from intake.service import contracts_fingerprint, deliverable
from models.settings import Settings


@dataclass(frozen=True, slots=True)
class Pending:
    """How many files wait, a token that names exactly this set of waiting files, and when the newest was written (seconds
    since 1970, 0 without files)."""

    files: int
    token: str
    newest: float = 0.0


def pending_deliveries(settings: Settings) -> Pending:
    """Files in the inbox that no delivery has taken in yet (or that changed since)."""
    fingerprint = contracts_fingerprint(load_contracts())
    digest, waiting, newest = hashlib.sha256(), 0, 0.0
    with reading(settings.intake_db) as registry:
        for folder in sorted(p for p in settings.inbox.glob("*") if p.is_dir() and not p.name.startswith(".")):
            for path in deliverable(folder):
                if registry.seen(path, fingerprint) is None:
                    state = path.stat()
                    digest.update(f"{path}|{state.st_size}|{state.st_mtime_ns}\n".encode())
                    waiting, newest = waiting + 1, max(newest, state.st_mtime)
    return Pending(waiting, digest.hexdigest()[:16], newest)
