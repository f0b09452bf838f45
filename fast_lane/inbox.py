"""Files that have just arrived and are whole, asked many times a second.

Belongs here: remembering what was looked at, so that a poll of a quiet inbox is a few directory reads. Not here: taking a
file (`intake/service.py`). Large files are left to the batch lane, whose work they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from intake.contracts import load_contracts
from intake.registry import reading
from intake.service import UNFINISHED_SUFFIXES, contracts_fingerprint
from models.settings import Settings

# A step reads what fits into a second or two; a history or a monthly export is the batch lane's.
MOST_BYTES = 4_000_000
# Whoever copies a file into the inbox may still be writing it. What our own API writes is renamed when it is whole.
QUIET_SECONDS = 0.5
RENAMED_SOURCES = frozenset({"feedback"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file, with its time of last writing (seconds since 1970): when it arrived."""

    path: Path
    size: int
    written_at: float


@dataclass
class Inbox:
    """The inbox of one home as one lane knows it."""

    settings: Settings
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def arrivals(self, now: float) -> list[Arrival]:
        """Whole, small, new files, oldest first and no more than a step can take; `now` in seconds since 1970."""
        fresh = [(entry, entry.stat()) for entry in self._entries()]
        fresh = [
            (entry, state) for entry, state in fresh
            if self._seen.get(entry.path) != (state.st_size, state.st_mtime_ns) and _is_whole(entry, state, now)
        ]  # fmt: skip
        if not fresh:
            return []
        found: list[Arrival] = []
        total = 0
        for entry, state in sorted(self._unknown(fresh), key=lambda item: (item[1].st_mtime_ns, item[0].path)):
            if state.st_size > MOST_BYTES:
                self._seen[entry.path] = (state.st_size, state.st_mtime_ns)
                continue
            total += state.st_size
            if total > MOST_BYTES:
                break
            found.append(Arrival(Path(entry.path), state.st_size, state.st_mtime))
        return found

    def done(self, arrivals: list[Arrival]) -> None:
        """These were taken; a file that changed while it was read is looked at again."""
        for arrival in arrivals:
            state = arrival.path.stat()
            if (state.st_size, state.st_mtime) == (arrival.size, arrival.written_at):
                self._seen[str(arrival.path)] = (state.st_size, state.st_mtime_ns)

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        if not self.settings.inbox.exists():
            return
        for folder in os.scandir(self.settings.inbox):
            if folder.is_dir() and not folder.name.startswith("."):
                yield from _files_below(folder.path)

    def _unknown(
        self, fresh: list[tuple[os.DirEntry[str], os.stat_result]]
    ) -> list[tuple[os.DirEntry[str], os.stat_result]]:
        """Those the register has not taken before; the rest need no further look."""
        fingerprint = contracts_fingerprint(load_contracts())
        unknown = []
        with reading(self.settings.intake_db) as registry:
            for entry, state in fresh:
                if registry.seen(Path(entry.path), fingerprint) is None:
                    unknown.append((entry, state))
                else:
                    self._seen[entry.path] = (state.st_size, state.st_mtime_ns)
        return unknown


def _files_below(folder: str) -> Iterator[os.DirEntry[str]]:
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files_below(entry.path)
        elif not entry.name.lower().endswith(UNFINISHED_SUFFIXES):
            yield entry


def _is_whole(entry: os.DirEntry[str], state: os.stat_result, now: float) -> bool:
    source = Path(entry.path).parent.name
    return source in RENAMED_SOURCES or now - state.st_mtime >= QUIET_SECONDS
