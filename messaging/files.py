"""Messages as files: the default, so that nothing leaves the machine until somebody says so.

Belongs here: one file per message, whole or not there. Not here: picking the files up.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from messaging.envelope import Envelope, Outcome


class FileTransport:
    """Writes `<folder>/<hash of the message id>.json`; the same message again replaces itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, envelope: Envelope) -> Outcome:
        """Write aside, flush to disk, rename. A full disk is `failed`."""
        name = sha256(envelope.message_id.encode()).hexdigest()[:32]
        aside, target = self.folder / f".{name}.tmp", self.folder / f"{name}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(
                os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as handle:
                handle.write(json.dumps(asdict(envelope), ensure_ascii=False, indent=1) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
            aside.replace(target)
            _flush(self.folder)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            return Outcome("failed", f"cannot write: {error.strerror}")
        return Outcome("sent", target.name)


def _flush(folder: Path) -> None:
    """A rename is safe from a power cut only once the folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
