"""The spool of feedback sent to the desk: one file per accepted request, in the inbox like any other delivery.

Belongs here: making a request durable exactly once, saying when there is no room, and removing what the door has taken.
Not here: what an item may say (`desk/schemas.py`, the contract `feedback__item`), reading files (`service.py`), what became
of a receipt (`receipts.py`). A file is written under a hidden name, forced to disk and renamed; its name holds the receipt
and the hash of the request, so that a repeated request is recognised for ever, by the file or by the register of
deliveries, and needs no record of its own. Files hold words before redaction: only their owner may read them.
"""

from __future__ import annotations

import fcntl
import json
import os
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from intake.delivery import OnStep, no_step
from intake.registry import Registry, reading
from models.settings import Settings

SOURCE, ENTITY = "feedback", "item"
_UNTAKEN_FOR, _TOO_MANY = 300, 30


class NoRoom(RuntimeError):
    """Too much waits to be taken; worth trying again after `retry_after` seconds."""

    def __init__(self, said: str, retry_after: int) -> None:
        super().__init__(said)
        self.retry_after = retry_after


class OtherContent(ValueError):
    """The receipt stands for another request."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: files, their bytes, and when the oldest was written (seconds since 1970), None when nothing waits."""

    files: int
    bytes: int
    oldest: float | None


def receipt_of(sender: str, key: str) -> str:
    """The receipt of a sender's request under a key: the same whenever it is asked, and begins with whose it is."""
    return f"{_prefix(sender)}{_short(f'{sender}|{key}', 20)}"


def belongs_to(receipt: str, sender: str) -> bool:
    """Whether the receipt was given to that sender."""
    return receipt.startswith(_prefix(sender))


def accept(
    settings: Settings, receipt: str, request: bytes, items: Sequence[Mapping[str, object]], *, at: datetime,
    on_step: OnStep = no_step,
) -> bool:  # fmt: skip
    """Keep the items under the receipt; durable when this returns. False when the same request was accepted before.

    `request` is what the sender sent, byte for byte; `at` (UTC) stands in every row as `received_at`. Raises
    `OtherContent` when the receipt stands for another request, `NoRoom` when too much waits, `OSError` when the disk
    refuses (never half a request).
    """
    folder = spool_folder(settings)
    path = folder / f"{receipt}.{sha256(request).hexdigest()[:32]}.jsonl"
    with _alone(folder):
        known = _known(settings, folder, receipt)
        if known is not None:
            if known != path.name:
                raise OtherContent("the receipt stands for another request")
            # Whoever wrote it may have died before the name was on disk.
            _sync(folder)
            return False
        _need_room(settings, _backlog(folder), at)
        _write(path, receipt, items, at, on_step)
    return True


def spool_folder(settings: Settings) -> Path:
    """Where the files wait."""
    return settings.inbox / SOURCE


def backlog(settings: Settings) -> Backlog:
    """What waits in the spool now."""
    folder = spool_folder(settings)
    return _backlog(folder) if folder.is_dir() else Backlog(0, 0, None)


def file_of(settings: Settings, receipt: str) -> Path | None:
    """The waiting file of a receipt."""
    return next(iter(spool_folder(settings).glob(f"{receipt}.*.jsonl")), None)


def remove_taken(settings: Settings, registry: Registry, contracts: str) -> int:
    """Remove spooled files the register has an outcome of, and return how many; refused ones stay to be looked at.

    What landed is redacted and its originals are sealed, as are rows in quarantine: no word is lost.
    """
    removed = 0
    for path in spool_folder(settings).glob("F-*.*.jsonl"):
        if registry.seen(path, contracts) not in (None, "refused", "empty"):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _need_room(settings: Settings, waiting: Backlog, at: datetime) -> None:
    if waiting.files >= settings.feedback_pending_files or waiting.bytes >= settings.feedback_pending_bytes:
        raise NoRoom("too much feedback waits to be taken", _TOO_MANY)
    if waiting.oldest is not None and at.timestamp() - waiting.oldest > settings.feedback_pending_seconds:
        raise NoRoom("feedback has waited too long to be taken", _UNTAKEN_FOR)


def _backlog(folder: Path) -> Backlog:
    states = [entry.stat() for entry in os.scandir(folder) if entry.name.endswith(".jsonl") and entry.name[0] != "."]
    return Backlog(
        len(states), sum(state.st_size for state in states), min((state.st_mtime for state in states), default=None)
    )


def _known(settings: Settings, folder: Path, receipt: str) -> str | None:
    """Name of the file that was accepted under a receipt, whether it still waits or not."""
    waiting = next(iter(folder.glob(f"{receipt}.*.jsonl")), None)
    if waiting is not None:
        return waiting.name
    with reading(settings.intake_db) as registry:
        taken = registry.by_file(SOURCE, f"{receipt}.")
    return None if taken is None else taken.file


def _write(path: Path, receipt: str, items: Sequence[Mapping[str, object]], at: datetime, on_step: OnStep) -> None:
    """All rows or none: aside, to disk, then renamed. What an earlier try left aside is written over."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    rows = [{**item, "receipt_id": receipt, "received_at": stamp} for item in items]
    aside = path.with_name(f".{receipt}.tmp")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
        on_step("feedback.before_rename")
        aside.replace(path)
        on_step("feedback.after_rename")
        _sync(path.parent)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time on this machine: two requests under one key must not both find nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prefix(sender: str) -> str:
    return f"F-{_short(sender, 8)}-"


def _short(text: str, characters: int) -> str:
    return b32encode(sha256(text.encode()).digest()).decode()[:characters]
