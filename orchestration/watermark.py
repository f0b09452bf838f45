"""What a finished stage had seen, kept as one small JSON file per stage, so that a run with nothing new does nothing.

A watermark is written only after the stage succeeded: a stage that died is simply run again. Nothing reads a decision
out of these files but "is there anything new"; losing them costs one full run, never a wrong number.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from models.settings import Settings


def fingerprint(**seen: Any) -> str:
    """Stable short hash of what a stage has seen (JSON values only)."""
    return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read(settings: Settings, stage: str) -> str | None:
    """The fingerprint a stage last finished with, or None when it never did."""
    path = settings.state / f"{stage}.json"
    if not path.exists():
        return None
    return str(json.loads(path.read_text(encoding="utf-8"))["fingerprint"])


def write(settings: Settings, stage: str, value: str) -> None:
    """Record that a stage finished."""
    settings.state.mkdir(parents=True, exist_ok=True)
    write_json(settings.state / f"{stage}.json", {"fingerprint": value})


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a small JSON file so that a reader sees the old one or the new one whole (temp file, fsync, rename)."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as out:
        json.dump(document, out)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)


def remember_taken(settings: Settings, batch_id: int) -> None:
    """Record the newest delivery there was when a run began to prepare evidence: what comes later may not be in it."""
    settings.state.mkdir(parents=True, exist_ok=True)
    write_json(settings.state / "taken.json", {"batch": batch_id})


def taken_batch(settings: Settings) -> int:
    """That delivery's number, 0 when no run has begun yet."""
    path = settings.state / "taken.json"
    return int(json.loads(path.read_text(encoding="utf-8"))["batch"]) if path.exists() else 0
