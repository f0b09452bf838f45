"""MLflow: what an ML engineer finds there, and what happens when it is not there."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.root_cause.bench import Workbench
from ml.root_cause.classifier import ClassifierParams, Training
from ml.root_cause.predict import classify
from ml.tracking import Tracker, migrate, tracker_for
from models.programme import Programme
from models.settings import Settings
from tests.integration.ml.conftest import signals


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One migrated MLflow store for the module: creating it takes seconds."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    migrate(settings)
    return settings


@pytest.fixture
def client(installed: Settings) -> Iterator[object]:
    from mlflow.tracking import MlflowClient

    yield MlflowClient(tracking_uri=installed.mlflow_uri, registry_uri=installed.mlflow_uri)


def test_setting_up_twice_is_harmless_and_keeps_artefacts_at_home(installed: Settings, client: object) -> None:
    migrate(installed)
    for name in ("root-cause-topics", "root-cause-classifier"):
        experiment = client.get_experiment_by_name(name)  # type: ignore[attr-defined]
        assert experiment.artifact_location.startswith(installed.mlflow_dir.as_uri())
        assert experiment.tags["mlflow.note.content"]


def test_a_training_leaves_all_an_ml_engineer_looks_for_and_no_text(
    installed: Settings, client: object, bench: Workbench, bank: Programme
) -> None:
    tags = {"dagster.run_id": "some-run"}
    tracked = Workbench(bench.embedder, bench.cache, bench.store, tracker_for(installed), tags=tags)
    result = classify(signals(300), bank, tracked)
    assert isinstance(result.training, Training)
    assert len(result.run_urls) == 2
    run_id = result.run_urls[1].rsplit("/", 1)[1]
    run = client.get_run(run_id)  # type: ignore[attr-defined]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["random_macro_f1"] == pytest.approx(result.training.metrics()["random_macro_f1"])
    assert {"random_ece", "time_accuracy", "abstain_below"} <= run.data.metrics.keys()
    assert run.data.params["folds"] == str(ClassifierParams().folds)
    assert run.data.tags["dagster.run_id"] == "some-run"
    assert run.inputs.dataset_inputs[0].dataset.digest == result.training.model.model_id.removeprefix("cause-")
    names = {item.path for item in client.list_artifacts(run_id)}  # type: ignore[attr-defined]
    assert {"figures", "model_card.md", "per_cause.json"} <= names
    figures = {item.path for item in client.list_artifacts(run_id, "figures")}  # type: ignore[attr-defined]
    assert figures == {"figures/confusion.png", "figures/reliability.png"}
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")  # type: ignore[attr-defined]
    assert {child.data.params["split"] for child in children} == {"random split", "time split"}
    stored = b"".join(path.read_bytes() for path in installed.mlflow_dir.rglob("*") if path.is_file())
    texts = signals(300).column("text").to_pylist()
    assert not any(text.encode() in stored for text in texts)


def test_the_registered_champion_has_a_signature_and_predicts_without_pickle(
    installed: Settings, client: object, bench: Workbench, bank: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    classify(signals(300), bank, Workbench(bench.embedder, bench.cache, bench.store, tracker_for(installed)))
    version = client.get_model_version_by_alias("root-cause-classifier", "champion")  # type: ignore[attr-defined]
    assert version.description.startswith("# Root-cause classifier")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", installed.mlflow_uri)
    loaded = mlflow.pyfunc.load_model("models:/root-cause-classifier@champion")
    assert loaded.metadata.signature.inputs.input_names() == ["text"]
    answer = loaded.predict({"text": ["card declined at the terminal in the shop"]})
    assert list(answer.columns) == ["cause_id", "confidence"]
    files = [path.name for path in installed.mlflow_dir.rglob("*") if path.is_file()]
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]


@pytest.fixture
def dead_server() -> Iterator[tuple[str, list[int]]]:
    """A port that hangs up on everybody, and a list with one entry per call it got."""
    calls: list[int] = []

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            calls.append(1)

    with socketserver.TCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", calls
        server.shutdown()


def test_a_dead_server_is_tried_once_and_nothing_is_lost(
    tmp_path: Path, installed: Settings, client: object, dead_server: tuple[str, list[int]]
) -> None:
    uri, calls = dead_server
    dead = Tracker(uri, artifact_root=tmp_path)
    for number in range(3):
        with dead.run("root-cause-topics", f"run-{number}") as run:
            run.log_params({"a": 1})
            run.log_metrics({"silhouette": 0.5})
    # One call with one retry for all three runs: MLflow's defaults would block for minutes on each.
    assert len(calls) <= 2
    spooled = sorted((tmp_path / "spool").glob("*.json"))
    assert len(spooled) == 3
    assert json.loads(spooled[0].read_text(encoding="utf-8"))["metrics"] == {"silhouette": 0.5}
    alive = Tracker(installed.mlflow_uri, artifact_root=tmp_path)
    assert alive.replay_spool() == 3
    assert list((tmp_path / "spool").glob("*.json")) == []
    experiment = client.get_experiment_by_name("root-cause-topics")  # type: ignore[attr-defined]
    found = client.search_runs([experiment.experiment_id], "attributes.run_name LIKE 'run-%'")  # type: ignore[attr-defined]
    assert sorted(run.info.run_name for run in found) == ["run-0", "run-1", "run-2"]
    assert {run.data.metrics["silhouette"] for run in found} == {0.5}


def test_a_failed_block_is_a_failed_run_and_the_error_goes_on(installed: Settings, client: object) -> None:
    tracker = tracker_for(installed)
    with pytest.raises(ZeroDivisionError), tracker.run("root-cause-topics", "breaks") as run:
        run.log_metrics({"topics": 1})
        raise ZeroDivisionError
    assert client.get_run(run.run_id).info.status == "FAILED"  # type: ignore[attr-defined]


def test_a_switched_off_tracker_writes_nothing(tmp_path: Path) -> None:
    with Tracker("http://127.0.0.1:9", artifact_root=tmp_path, enabled=False).run("root-cause-topics", "x") as run:
        run.log_metrics({"topics": 1})
    assert list(tmp_path.iterdir()) == []
    assert run.path is None
