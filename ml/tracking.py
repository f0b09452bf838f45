"""The only door to MLflow: best effort, short time-outs, nothing lost.

Belongs here: setting MLflow's store up once, and writing runs, datasets and model versions to it. Not here: what is
worth tracking (`ml/root_cause/reports.py`) and loading models (`ml/store.py` is what scoring trusts). A run is
collected in memory and written at its end; when the server does not answer, the record goes to a spool file and is
sent later, and the training that was tracked never notices. No customer text is accepted anywhere: figures, tables and
datasets are numbers, names and digests.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ml.tracked_run import TrackedRun, as_json, from_json
from ml.tracking_writes import write_run
from models.settings import Settings

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

# One experiment per question, with the note people read on its page.
EXPERIMENTS: Mapping[str, str] = {
    "root-cause-topics": "Which themes do customers write about? One run per topic fit.",
    "root-cause-classifier": "Which known root cause is a text about? One run per training, judged on unseen texts.",
    "sentiment": "How does a text feel? Learnt from the scores customers gave beside their words.",
    "feedback-kind": "Is a text a problem, a suggestion or praise? Learnt from reviewers' answers.",
    "text-drift": "Have texts and predictions moved since the models were fitted? One run per newly ended week.",
    "recovery-effect-margin": "How much more margin does each playbook bring than nothing done? One run per estimate.",
    "recovery-effect-retention": "How many more customers stay with each playbook than with nothing done?",
    "recovery-effect-recovered": "How many more customers say it was put right with each playbook than with nothing done?",
    "playbook-policy": "Which playbook for which case? One run per week's learning, judged on customers it had not seen.",
    "owner-comparison": "Do owners and teams differ beyond their cases and beyond chance? One run per comparison.",
    "severity": "How grave is what a text tells? Learnt from reviewers' answers; rules are the floor.",
}
# A dead server cost 246 s per call with MLflow's defaults.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Tracker:
    """Writes runs to one MLflow store. `artifact_root` also holds the spool of what could not be written."""

    def __init__(self, uri: str, *, artifact_root: Path, enabled: bool = True) -> None:
        self._uri = uri
        self._root = artifact_root
        self._enabled = enabled
        self._client: MlflowClient | None = None
        # After one failure nothing more is tried in this process: a dead server costs seconds once, not per call.
        self._is_down = False

    @contextmanager
    def run(
        self, experiment: str, name: str, *, parent: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Iterator[TrackedRun]:
        """A run to fill in. It is written when the block ends, as failed when the block raised.

        `parent` is the run_id of an open parent run. Never raises because of MLflow.
        """
        record = TrackedRun(experiment, name, dict(tags or {}), parent, started_ms=_now_ms())
        self._open(record)
        try:
            yield record
        except BaseException:
            record.failed = True
            raise
        finally:
            self._close(record)

    def replay_spool(self) -> int:
        """Send what was spooled while the server was down; returns how many runs were sent."""
        sent = 0
        for path in sorted((self._root / "spool").glob("*.json")):
            record = from_json(json.loads(path.read_text(encoding="utf-8")))
            self._open(record)
            if not self._attempt(record, "replay"):
                break
            path.unlink()
            sent += 1
        return sent

    def point_alias(self, model_id: str, alias: str = "champion") -> bool:
        """Let the alias follow a model that is in use by a person's word: to the registered version with its id.

        False when MLflow holds no such version, or does not answer; nothing is raised and nothing depends on it.
        """
        database = self._uri.removeprefix("sqlite:///")
        if not self._enabled or self._is_down or (database != self._uri and not Path(database).exists()):
            return False
        try:
            client = self._connected()
            found = list(client.search_model_versions(f"tags.model_id = '{model_id}'"))
            for version in found:
                client.set_registered_model_alias(version.name, alias, version.version)
        except _failures() as error:
            self._down(error)
            return False
        return bool(found)

    def _open(self, record: TrackedRun) -> None:
        """Create the run, so that children and links can name it."""
        if not self._enabled or self._is_down:
            return
        tags = {**record.tags, "mlflow.runName": record.name}
        if record.parent:
            tags["mlflow.parentRunId"] = record.parent
        try:
            client = self._connected()
            record.experiment_id = _experiment(client, record.experiment, self._root)
            run = client.create_run(record.experiment_id, record.started_ms or None, tags, record.name)
            record.run_id = run.info.run_id
        except _failures() as error:
            self._down(error)

    def _close(self, record: TrackedRun) -> None:
        if self._enabled and not self._attempt(record, "write"):
            self._spool(record)

    def _attempt(self, record: TrackedRun, what: str) -> bool:
        """Write a record to its open run; False (and the tracker is down) when that was not possible."""
        if self._is_down or record.run_id is None:
            return False
        try:
            write_run(self._connected(), record)
        except _failures() as error:
            self._down(error)
            return False
        log.debug("%s of run %s done", what, record.run_id)
        return True

    def _connected(self) -> MlflowClient:
        if self._client is None:
            for name, value in _PATIENCE.items():
                os.environ.setdefault(name, value)
            # One to three seconds of import, and only trainings are tracked.
            from mlflow.tracking import MlflowClient

            self._client = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
        return self._client

    def _down(self, error: Exception) -> None:
        self._is_down = True
        log.warning("MLflow does not answer (%s); runs go to the spool", type(error).__name__)

    def _spool(self, record: TrackedRun) -> None:
        """Keep the record as a file. When even that fails, say so and go on."""
        content = json.dumps(as_json(record), sort_keys=True)
        name = f"{record.started_ms}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.json"
        try:
            folder = self._root / "spool"
            folder.mkdir(parents=True, exist_ok=True)
            fresh = folder / f".{name}.tmp"
            fresh.write_text(content, encoding="utf-8")
            fresh.replace(folder / name)
        except OSError as error:
            log.error("a tracked run could not be spooled: %s", type(error).__name__)


def tracker_for(settings: Settings, *, enabled: bool = True) -> Tracker:
    """The tracker of an installation."""
    return Tracker(settings.mlflow_uri, artifact_root=settings.mlflow_dir, enabled=enabled)


def migrate(settings: Settings) -> None:
    """Create or upgrade MLflow's database and our experiments, once per MLflow version, before anything uses it.

    Takes a file lock: two processes that create the database at once destroy it (the alembic steps interleave).
    """
    # Importing MLflow costs seconds, and this runs before every command: look at the installed version instead.
    installed = version("mlflow")
    folder = settings.mlflow_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".migrated"
        if done.exists() and done.read_text(encoding="utf-8") == installed:
            return
        from mlflow.tracking import MlflowClient

        # Its migrations report every step at INFO, into the middle of whatever the caller prints.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

        if (folder / "mlflow.db").exists():
            _upgrade(settings.mlflow_uri)
        # The first client call on an absent file builds the newest schema.
        client = MlflowClient(tracking_uri=settings.mlflow_uri, registry_uri=settings.mlflow_uri)
        for name in EXPERIMENTS:
            _experiment(client, name, folder)
        done.write_text(installed, encoding="utf-8")


def _upgrade(uri: str) -> None:
    from mlflow.db import upgrade

    upgrade.main([uri], standalone_mode=False)


def _experiment(client: MlflowClient, name: str, root: Path) -> str:
    """Id of the experiment, made with its artefacts below our own folder when it is not there."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    tags = {"mlflow.note.content": EXPERIMENTS.get(name, "")}
    return str(client.create_experiment(name, (root / "artifacts" / name).resolve().as_uri(), tags))


def _failures() -> tuple[type[Exception], ...]:
    """What a store or server that cannot be used raises. Our own mistakes are not among them."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
