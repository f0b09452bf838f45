"""The only door to MLflow: best effort, short time-outs, nothing lost.

Belongs here: setting MLflow's store up once, and writing runs, datasets and model versions to it. Not here: what is
worth tracking (`ml/root_cause/reports.py`) and loading models (`ml/store.py` is what scoring trusts). A run is
collected in memory and written at its end; when the server does not answer, the record goes to a spool file and is
sent later, and the training that was tracked never notices. No customer text is accepted anywhere: figures, tables and
datasets are numbers, names and digests.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

# One experiment per question, with the note people read on its page.
EXPERIMENTS: Mapping[str, str] = {
    "root-cause-topics": "Which themes do customers write about? One run per topic fit.",
    "root-cause-classifier": "Which known root cause is a text about? One run per training, judged on unseen texts.",
    "sentiment": "How does a text feel? Learnt from the scores customers gave beside their words.",
    "feedback-kind": "Is a text a problem, a suggestion or praise? Learnt from reviewers' answers.",
    "text-drift": "Have texts and predictions moved since the models were fitted? One run per newly ended week.",
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


@dataclass(slots=True)
class ModelRecord:
    """A model version for people to find: files, signature as (name, type) pairs, alias and card."""

    name: str
    files: dict[str, bytes]
    code: Path
    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[tuple[str, str]]
    card: str
    alias: str = "champion"
    requirements: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class TrackedRun:
    """What one run will say. Filled in by the caller, written when its `with` block ends."""

    experiment: str
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    run_id: str | None = None
    experiment_id: str | None = None
    started_ms: int = 0
    failed: bool = False
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)
    models: list[ModelRecord] = field(default_factory=list)

    @property
    def path(self) -> str | None:
        """Address of the run below the MLflow server, for links; None when nothing was written."""
        return f"#/experiments/{self.experiment_id}/runs/{self.run_id}" if self.run_id else None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Settings of the run; flat names, short values."""
        self.params.update({name: str(value)[:500] for name, value in params.items()})

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Figures of the run under names that are the same in every run of the experiment."""
        self.metrics.update({name: float(value) for name, value in metrics.items()})

    def log_text(self, name: str, text: str) -> None:
        """A Markdown or plain text artefact, for example a model card."""
        self.texts[name] = text

    def log_table(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """A table artefact (`.json`) by columns of equal length."""
        self.tables[name] = {key: list(values) for key, values in columns.items()}

    def log_figure(self, name: str, figure: Figure) -> None:
        """A figure, rendered to PNG at once."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
        self.figures[name] = buffer.getvalue()

    def log_dataset(self, name: str, *, digest: str, rows: int, columns: Sequence[str], context: str) -> None:
        """What the run learnt from, as a digest and a shape; the rows themselves stay where they are."""
        self.datasets.append(
            {
                "name": name,
                "digest": digest[:36],
                "profile": json.dumps({"num_rows": rows}),
                "schema": json.dumps({"columns": list(columns)}),
                "context": context,
            }
        )

    def register(self, model: ModelRecord) -> None:
        """Also make a registered model version with its alias from these files."""
        self.models.append(model)


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
            record = _from_json(json.loads(path.read_text(encoding="utf-8")))
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
            _write(self._connected(), record)
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
        content = json.dumps(_as_json(record), sort_keys=True)
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


def _write(client: MlflowClient, record: TrackedRun) -> None:
    from mlflow.entities import Metric, Param

    run_id = record.run_id
    assert run_id is not None, "only an open run is written"
    now = _now_ms()
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in sorted(record.metrics.items())],
        params=[Param(name, value) for name, value in sorted(record.params.items())],
    )
    for name, text in record.texts.items():
        client.log_text(run_id, text, name)
    for name, columns in record.tables.items():
        client.log_table(run_id, columns, name)
    with tempfile.TemporaryDirectory() as folder:
        for name, image in record.figures.items():
            path = Path(folder) / name
            path.write_bytes(image)
            client.log_artifact(run_id, str(path), "figures")
    _write_datasets(client, record)
    for model in record.models:
        _write_model(client, record, model)
    client.set_terminated(run_id, "FAILED" if record.failed else "FINISHED")


def _write_datasets(client: MlflowClient, record: TrackedRun) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=item["name"],
                digest=item["digest"],
                source_type="local",
                source=json.dumps({"table": item["name"]}),
                schema=item["schema"],
                profile=item["profile"],
            ),
            [InputTag("mlflow.data.context", item["context"])],
        )
        for item in record.datasets
    ]
    if inputs:
        client.log_inputs(record.run_id or "", inputs)


def _write_model(client: MlflowClient, record: TrackedRun, model: ModelRecord) -> None:
    """A logged model (models-from-code, no pickle) with its signature, and a registered version that carries the alias.

    Scoring does not load it from here: MLflow reads the list of trusted types from the model's own file.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.exceptions import MlflowException

    logged = client.create_logged_model(
        record.experiment_id or "0", name=model.name, source_run_id=record.run_id, tags=model.tags, model_type="pyfunc"
    )
    with tempfile.TemporaryDirectory() as folder:
        _save_pyfunc(Path(folder), model, logged.model_id, record.run_id or "")
        client.log_model_artifacts(logged.model_id, str(Path(folder) / "model"))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(record.run_id or "", [LoggedModelOutput(logged.model_id, 0)])
    try:
        client.get_registered_model(model.name)
    except MlflowException:
        client.create_registered_model(model.name)
    client.update_registered_model(model.name, description=model.card)
    version = client.create_model_version(
        model.name,
        source=logged.artifact_location,
        run_id=record.run_id,
        tags=model.tags,
        description=model.card,
        model_id=logged.model_id,
    )
    client.set_registered_model_alias(model.name, model.alias, version.version)


def _save_pyfunc(folder: Path, model: ModelRecord, model_id: str, run_id: str) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    files = folder / "files"
    files.mkdir()
    for name, content in model.files.items():
        (files / name).write_bytes(content)
    with warnings.catch_warnings():
        # MLflow asks for an input example, which would be a customer's text.
        warnings.simplefilter("ignore", UserWarning)
        mlflow.pyfunc.save_model(
            path=str(folder / "model"),
            python_model=str(model.code),
            artifacts={"files": str(files)},
            signature=ModelSignature(
                inputs=Schema([ColSpec(kind, name) for name, kind in model.inputs]),
                outputs=Schema([ColSpec(kind, name) for name, kind in model.outputs]),
            ),
            # Given, because inferring them starts a process and takes a quarter of a minute.
            pip_requirements=list(model.requirements),
            mlflow_model=Model(model_id=model_id, run_id=run_id),
        )


def _as_json(record: TrackedRun) -> dict[str, Any]:
    """A record as plain JSON, bytes as base64."""
    return {
        "experiment": record.experiment,
        "name": record.name,
        "tags": record.tags,
        "started_ms": record.started_ms,
        "failed": record.failed,
        "params": record.params,
        "metrics": record.metrics,
        "texts": record.texts,
        "tables": record.tables,
        "figures": {name: base64.b64encode(image).decode() for name, image in record.figures.items()},
        "datasets": record.datasets,
        "models": [
            {
                "name": model.name,
                "files": {name: base64.b64encode(content).decode() for name, content in model.files.items()},
                "code": str(model.code),
                "inputs": list(model.inputs),
                "outputs": list(model.outputs),
                "card": model.card,
                "alias": model.alias,
                "requirements": list(model.requirements),
                "tags": model.tags,
            }
            for model in record.models
        ],
    }


def _from_json(data: dict[str, Any]) -> TrackedRun:
    models = [
        ModelRecord(
            **{
                **item,
                "files": {name: base64.b64decode(content) for name, content in item["files"].items()},
                "code": Path(item["code"]),
                "inputs": [(name, kind) for name, kind in item["inputs"]],
                "outputs": [(name, kind) for name, kind in item["outputs"]],
                "requirements": tuple(item["requirements"]),
            }
        )
        for item in data.pop("models")
    ]
    figures = {name: base64.b64decode(image) for name, image in data.pop("figures").items()}
    return TrackedRun(**data, figures=figures, models=models)
