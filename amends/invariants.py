"""All invariants of an installation together (I1 to I13 of the fault programme), with those of models, builds, leftovers.

Belongs here: I9 (models), I10 (published build), I13 (leftovers), and putting every room's share into one report. Not
here: the others' (`cases/invariants.py`, `casework/invariants.py`). Nothing is changed and nothing is mended.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.invariant import Verdict, verdict
from models.settings import ROOT, Settings

# I11 needs a world with planted canaries and reads every byte of every store: the tests do that.
LEFT_TO_TESTS = ("I11",)
_TEMPORARY = ("*.tmp", "*.tmp.npy", "*.new", "*.part")
# Tools' own stores: what they leave aside while they work is theirs.
_NOT_OURS = ("dagster", "mlflow", "inbox")


def check(settings: Settings) -> dict[str, Any]:
    """`{"ok", "invariants": {"I1": {"ok", "what", "checked", "problems", "notes"}, ...}, "left_to_tests"}`.

    Raises what `casework.engine.start` raises when there is no ledger or no programme to ask.
    """
    from casework.invariants import of_engine

    verdicts = {
        **of_engine(settings),
        "I9": models_are_whole(settings),
        "I10": published_is_whole(settings),
        "I13": nothing_left(settings, datetime.now(UTC)),
    }
    listed = {name: {"ok": verdicts[name].ok, **asdict(verdicts[name])} for name in sorted(verdicts, key=_number)}
    return {"ok": all(found.ok for found in verdicts.values()), "invariants": listed, "left_to_tests": LEFT_TO_TESTS}


def _number(name: str) -> int:
    return int(name[1:])


def models_are_whole(settings: Settings) -> Verdict:
    """I9: every active pointer names a model whose files are there, as they were promoted, and load."""
    from ml.store import ModelRefused, ModelStore

    problems: list[str] = []
    pointers = sorted(settings.model_store.glob("*/ACTIVE.json"))
    for pointer in pointers:
        kind = pointer.parent.name
        try:
            active = json.loads(pointer.read_bytes())["active"]
            ModelStore(settings.model_store).load(kind, active["model_id"], manifest_sha256=active["manifest_sha256"])
        except (ModelRefused, ValueError, KeyError) as error:
            problems.append(f"the active model of {kind}: {error}")
    return verdict("every active model is the one that was promoted", len(pointers), problems)


def published_is_whole(settings: Settings) -> Verdict:
    """I10: `CURRENT` names a complete build whose files are what its manifest says, and it opens read-only."""
    from publishing.files import sha256_of
    from publishing.read import DamagedBuild, NothingPublished, connect, current

    what = "the published build is complete, as it was checked, and opens"
    try:
        build = current(settings.published)
    except NothingPublished:
        return verdict(what, 0, (), ["nothing is published yet"])
    except DamagedBuild as error:
        return verdict(what, 1, [str(error)])
    problems = [f"table {name} is not there as published" for name in build.missing()]
    if not problems:
        problems += [f"table {m.name} was changed" for m in build.marts if sha256_of(build.path / m.file) != m.sha256]
    # A file that is not what was published is not opened: nobody knows what it would do to the reader.
    if not problems:
        with connect(settings.published, build=build) as connection:
            for mart in build.marts:
                counted = connection.execute(f'SELECT count(*) FROM "{mart.name}"').fetchone()
                if counted != (mart.rows,):
                    problems.append(f"table {mart.name} has other rows than its manifest says")
    return verdict(what, len(build.marts), problems, [f"build {build.build_id}"])


def nothing_left(settings: Settings, now: datetime) -> Verdict:
    """I13: no temporary files, no locks held, no work begun and never ended. Asked of an installation at rest."""
    from casework.invariants import left_lying

    files = list(_temporary_files(settings.home))
    locks = sorted(settings.home.rglob("*.lock"))
    problems = [f"{path.relative_to(settings.home)} was left behind" for path in files]
    problems += [f"{path.relative_to(settings.home)} is held by a process" for path in locks if _is_held(path)]
    problems += left_lying(settings, now)
    problems += list(_runs_never_ended(settings, now))
    return verdict("nothing was left behind by whoever was interrupted", len(locks), problems)


def _temporary_files(home: Path) -> Iterator[Path]:
    for pattern in _TEMPORARY:
        for path in home.rglob(pattern):
            if path.relative_to(home).parts[0] not in _NOT_OURS:
                yield path


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _runs_never_ended(settings: Settings, now: datetime) -> Iterator[str]:
    """Runs Dagster still calls started although monitoring should have ended them."""
    import yaml

    database = settings.dagster_home / "history" / "runs.db"
    if not database.exists():
        return
    instance = yaml.safe_load((ROOT / "orchestration" / "dagster.yaml").read_text(encoding="utf-8"))
    oldest = now.timestamp() - int(instance["run_monitoring"]["max_runtime_seconds"])
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        question = "select run_id from runs where status in ('STARTING', 'STARTED') and start_time < ?"
        yield from (f"run {run_id} never ended" for (run_id,) in connection.execute(question, (oldest,)))
    finally:
        connection.close()
