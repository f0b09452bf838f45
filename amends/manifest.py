"""Keeping the dbt manifest fresh: parsed here, once, so that loading the code location never has to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from models.settings import ROOT, Settings, process_environment

PROJECT = ROOT / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"


class ManifestFailed(Exception):
    """dbt could not parse the project; the message carries the end of what it printed."""


def is_stale() -> bool:
    """True when there is no manifest or a file of the project is newer than it."""
    if not MANIFEST.exists():
        return True
    made = MANIFEST.stat().st_mtime
    return any(path.stat().st_mtime > made for path in _project_files())


def parse_if_stale(settings: Settings) -> None:
    """Run `dbt parse` when needed. Raises ManifestFailed with dbt's own words when the project does not parse."""
    if not is_stale():
        return
    # An absolute project folder: a relative one ends up in dbt's parse cache and breaks the next call from elsewhere.
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "parse",
               "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, **process_environment(settings)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ManifestFailed((done.stdout + done.stderr)[-2000:])


def _project_files() -> list[Path]:
    skipped = {"target", "logs", "dbt_packages"}
    return [
        path
        for path in PROJECT.rglob("*")
        if path.is_file() and not skipped.intersection(path.relative_to(PROJECT).parts)
    ]
