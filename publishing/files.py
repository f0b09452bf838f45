"""Durable file steps: what must be on disk before the next step may begin.

Belongs here: fsync, write-then-rename, checksums of files. Not here: what a build contains (`publish.py`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


class PublishBusy(RuntimeError):
    """Another process is publishing into the same folder."""


def sync(path: Path) -> None:
    """Flush one file or folder to the disk (a rename is durable only once its folder is flushed)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, text: str) -> None:
    """Write a small new file and flush it."""
    path.write_text(text, encoding="utf-8")
    sync(path)


def replace_durably(path: Path, text: str) -> None:
    """Put `text` into `path` so that a reader sees the old content or the new, never a part of either."""
    temporary = path.with_name(f".{path.name}.new")
    write_durably(temporary, text)
    temporary.replace(path)
    sync(path.parent)


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder's publishing lock; the kernel drops it when the process dies. Raises `PublishBusy`."""
    with (folder / ".publishing.lock").open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublishBusy(f"another process is publishing into {folder.name}/") from error
        yield
