"""What one tracked run says, and the same as JSON for the spool.

Belongs here: the record of a run and of a model version, filled in by whoever trains. Not here: writing it to MLflow
(`tracking_writes.py`) or when that is tried (`tracking.py`). No customer text is accepted: figures, tables and datasets
are numbers, names and digests.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def as_json(record: TrackedRun) -> dict[str, Any]:
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


def from_json(data: dict[str, Any]) -> TrackedRun:
    """The record that was spooled."""
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
