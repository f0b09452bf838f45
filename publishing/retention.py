"""Retention: which old builds may go.

Belongs here: pruning of builds and of leftovers of a killed publication. Not here: retention of personal data, which is
the ledger's and the vault's business.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from publishing.files import exclusive, sync
from publishing.read import CURRENT, NothingPublished, builds, current

DOOMED = ".removed-"


def prune(published: Path, *, keep: int = 3) -> list[str]:
    """Keep the newest `keep` builds and always the current one; returns the ids removed, oldest first.

    A folder is renamed before its files go, so a kill half-way leaves nothing that looks like a build.
    Raises `ValueError` for `keep` < 1 and `publishing.files.PublishBusy` while somebody publishes.
    """
    if keep < 1:
        raise ValueError("keep at least one build")
    if not published.is_dir():
        return []
    with exclusive(published):
        sweep(published)
        held = {build.build_id for build in builds(published)[-keep:]} | _current_id(published)
        removed = [build for build in builds(published) if build.build_id not in held]
        for build in removed:
            discard(build.path)
    return [build.build_id for build in removed]


def sweep(published: Path) -> None:
    """Remove what a killed publication or pruning left. The caller holds the publishing lock."""
    for leftover in [*published.glob("*.tmp"), *published.glob(f"{DOOMED}*")]:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    (published / f".{CURRENT}.new").unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Take one build away: out of sight first, then its files. The caller holds the publishing lock."""
    doomed = folder.with_name(DOOMED + folder.name)
    folder.rename(doomed)
    sync(folder.parent)
    shutil.rmtree(doomed)


def _current_id(published: Path) -> set[str]:
    try:
        return {current(published).build_id}
    except NothingPublished:
        return set()
