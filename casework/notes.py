"""What our people typed on cases goes back into the inbox, so that it is analysed with what customers said.

Belongs here: writing the delivery `inbox/desk/` and remembering how far it reaches. Not here: redaction (`intake` does
it at the door, as for every text) and the guard that no such note opens a case (`OWN_SOURCE` in `models/signal.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import conf, services
from cases.crash import crashpoint
from models.settings import Settings
from models.signal import OWN_SOURCE

if TYPE_CHECKING:
    from cases.texts import TypedText

_NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class _Mark:
    """The last event whose texts were delivered, and its hash: another ledger has another one."""

    event_id: int = 0
    event_hash: str = _NOTHING


def write_back(settings: Settings, since: int | None = None) -> int:
    """Deliver what people typed since the last time as one JSONL file in `inbox/desk/`; returns how many texts.

    Repeating it delivers nothing; a process that dies between file and mark delivers again, and the door counts the
    rows as duplicates. `since` (an event id, 0 for all) overrides the mark. A ledger that is not the one last read
    (restored, or made anew) is delivered whole. Files the door has taken are removed: they hold words not yet redacted,
    and what landed and the vault are the record from then on. Returns 0 where no ledger is ready.
    """
    if not services.ledger_ready(settings):
        return 0
    conf.setup(settings)
    with _alone(settings):
        _remove_taken(settings)
        return _deliver_new(settings, since)


def _deliver_new(settings: Settings, since: int | None) -> int:
    from cases import texts

    start = _mark(settings).event_id if since is None else since
    found = texts.typed_after(start)
    if found:
        _deliver(settings, start, found)
        crashpoint("notes.after_file")
        _remember(settings, _Mark(found[-1].event_id, found[-1].event_hash))
        crashpoint("notes.after_mark")
    return len(found)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Daemon and command line may come at the same time, and would write over each other's half-written file."""
    settings.state.mkdir(parents=True, exist_ok=True)
    with (settings.state / "case_notes.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _row(text: TypedText) -> dict[str, Any]:
    """One line of the delivery, in the columns of `models/contracts/desk__case_note.yml`."""
    said = asdict(text)
    key, written_at = said.pop("key"), said.pop("written_at")
    return {
        "note_id": f"{text.event_id}-{key}",
        "text_key": key,
        "written_at": written_at.astimezone(UTC).isoformat(),
        **said,
    }


def _folder(settings: Settings) -> Path:
    return settings.inbox / OWN_SOURCE


def _deliver(settings: Settings, start: int, found: Sequence[TypedText]) -> None:
    """Write the file aside and rename it. The same texts give the same name and bytes, so a repeat is known."""
    lines = "".join(json.dumps(_row(text), ensure_ascii=False) + "\n" for text in found)
    _write_whole(_folder(settings) / f"case_notes-{start + 1:010d}-{found[-1].event_id:010d}.jsonl", lines)


def _remove_taken(settings: Settings) -> None:
    """Delete our deliveries the door has finished with. One it refused stays: somebody must look at it."""
    from intake.contracts import load_contracts
    from intake.registry import reading
    from intake.service import contracts_fingerprint, deliverable

    folder = _folder(settings)
    if not folder.is_dir() or not settings.intake_db.exists():
        return
    fingerprint = contracts_fingerprint(load_contracts())
    with reading(settings.intake_db) as registry:
        taken = [path for path in deliverable(folder) if registry.seen(path, fingerprint) in _TAKEN]
    for path in taken:
        path.unlink(missing_ok=True)


_TAKEN = ("loaded", "nothing_new", "already_delivered")


def _mark_file(settings: Settings) -> Path:
    return settings.state / "case_notes.json"


def _mark(settings: Settings) -> _Mark:
    """How far the last delivery reached; the beginning when there was none, or when it was of another ledger."""
    from cases import texts

    path = _mark_file(settings)
    if not path.exists():
        return _Mark()
    mark = _Mark(**json.loads(path.read_text(encoding="utf-8")))
    return mark if texts.hash_of(mark.event_id) == mark.event_hash else _Mark()


def _remember(settings: Settings, mark: _Mark) -> None:
    _write_whole(_mark_file(settings), json.dumps(asdict(mark)))


def _write_whole(path: Path, text: str) -> None:
    """A reader sees the old file or the new one whole, and nobody but the owner sees either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
