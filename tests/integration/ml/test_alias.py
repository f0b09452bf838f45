"""MLflow's alias follows a model that a person put in use."""

from __future__ import annotations

from pathlib import Path

from ml.tracking import Tracker, migrate, tracker_for
from models.settings import Settings


def test_the_alias_moves_to_the_version_with_the_id_and_stays_where_there_is_none(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    migrate(settings)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=settings.mlflow_uri, registry_uri=settings.mlflow_uri)
    client.create_registered_model("root-cause-classifier")
    for name in ("one", "two"):
        client.create_model_version("root-cause-classifier", source=str(tmp_path), tags={"model_id": name})
    client.set_registered_model_alias("root-cause-classifier", "champion", "2")
    assert tracker_for(settings).point_alias("one") is True
    assert tracker_for(settings).point_alias("three") is False
    assert client.get_model_version_by_alias("root-cause-classifier", "champion").tags["model_id"] == "one"


def test_without_mlflow_nothing_follows_and_nothing_is_made(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert tracker_for(settings).point_alias("one") is False
    assert Tracker(settings.mlflow_uri, artifact_root=tmp_path, enabled=False).point_alias("one") is False
    assert list(tmp_path.iterdir()) == []
