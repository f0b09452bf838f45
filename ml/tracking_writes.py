"""Writing a record to an open MLflow run: figures, tables, datasets and model versions.

Belongs here: what is written how. Not here: whether MLflow answers (`tracking.py`), what a record is (`tracked_run.py`).
"""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

from ml.tracked_run import ModelRecord, TrackedRun


def write_run(client: MlflowClient, record: TrackedRun) -> None:
    """Write everything a record says to its open run, and end the run. Raises what MLflow raises."""
    from mlflow.entities import Metric, Param

    run_id = record.run_id
    assert run_id is not None, "only an open run is written"
    now = time.time_ns() // 1_000_000
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
