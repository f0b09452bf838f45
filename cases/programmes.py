"""Programme versions in the ledger: what the business had decided, from when on.

Belongs here: storing the files of a version and finding the one in force. Not here: what is in the files
(`intake/programme.py`, `models/`). A version is never changed; another one takes over from its own day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cases.crash import crashpoint
from cases.db import write_transaction
from cases.models import ProgrammeVersion


class NotAfterTheLast(ValueError):
    """A version may not come into force before the one that was applied last."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One applied programme: content hash, company, moments (UTC), who applied it, and its files as text."""

    version: str
    company: str
    applied_at: datetime
    effective_from: datetime
    applied_by: str
    files: Mapping[str, str]


def content_hash(files: Mapping[str, str]) -> str:
    """SHA-256 over names and texts; line endings and the order of files do not matter."""
    parts = [f"{name}\x1f{files[name].replace(chr(13), '')}" for name in sorted(files)]
    return sha256("\x1e".join(parts).encode()).hexdigest()


def store(
    files: Mapping[str, str], *, company: str, applied_at: datetime, effective_from: datetime, applied_by: str
) -> tuple[StoredVersion, bool]:
    """Store a version; the same content as the newest version's is that version again (False: nothing was written).

    Raises `NotAfterTheLast` for an `effective_from` before the newest version's.
    """
    version = content_hash(files)
    with write_transaction():
        newest = ProgrammeVersion.objects.order_by("-id").first()
        if newest is not None and newest.version == version:
            return _plain(newest), False
        if newest is not None and effective_from < newest.effective_from:
            raise NotAfterTheLast(f"the version in force holds from {newest.effective_from.isoformat()}")
        row = ProgrammeVersion.objects.create(
            version=version, company=company, applied_at=applied_at, effective_from=effective_from,
            applied_by=applied_by, files=json.dumps(dict(files), sort_keys=True, ensure_ascii=False),
        )  # fmt: skip
        crashpoint("programme.before_commit")
    crashpoint("programme.after_commit")
    return _plain(row), True


def in_force(at: datetime) -> StoredVersion | None:
    """The version in force at a moment; before the first one the first, None when none was ever applied."""
    current = ProgrammeVersion.objects.filter(effective_from__lte=at).order_by("-effective_from", "-id").first()
    row = current or ProgrammeVersion.objects.order_by("effective_from", "id").first()
    return None if row is None else _plain(row)


def history() -> list[StoredVersion]:
    """Every version, the newest first."""
    return [_plain(row) for row in ProgrammeVersion.objects.order_by("-id")]


def _plain(row: ProgrammeVersion) -> StoredVersion:
    return StoredVersion(
        row.version, row.company, row.applied_at, row.effective_from, row.applied_by, json.loads(row.files)
    )
