"""The model store: what was saved is what is loaded, or nothing is."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from ml.store import ModelRefused, ModelStore, dump_array, dump_estimator, dump_json


def saved(store: ModelStore, model_id: str = "one", **files: bytes) -> ModelStore:
    store.save("causes", model_id, files or {"about.json": dump_json({"model": model_id})})
    store.promote("causes", model_id)
    return store


def test_a_promoted_model_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    weights = np.arange(6, dtype=np.float32)
    store = ModelStore(tmp_path)
    saved(store, **{"w.npy": dump_array(weights), "about.json": dump_json({"b": 1})})
    model = store.active("causes")
    assert model is not None
    assert np.array_equal(model.array("w.npy"), weights)
    assert model.json("about.json") == {"b": 1}


def test_there_is_no_active_model_before_one_is_promoted(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save("causes", "one", {"about.json": b"{}"})
    assert store.active("causes") is None


@pytest.mark.parametrize("victim", ["about.json", "manifest.json"])
def test_a_tampered_file_is_refused_and_the_last_good_model_stays(tmp_path: Path, victim: str) -> None:
    store = saved(saved(ModelStore(tmp_path), "good"), "bad")
    path = tmp_path / "causes" / "bad" / victim
    path.write_bytes(path.read_bytes() + b" ")
    model = store.active("causes")
    assert model is not None
    assert model.model_id == "good"
    with pytest.raises(ModelRefused):
        store.promote("causes", "bad") if victim == "about.json" else store.load("causes", "bad", manifest_sha256="0")


def test_a_consistent_forgery_of_file_and_manifest_is_still_refused(tmp_path: Path) -> None:
    store = saved(ModelStore(tmp_path), "good")
    saved(store, "bad")
    folder = tmp_path / "causes" / "bad"
    ModelStore(tmp_path / "elsewhere").save("causes", "bad", {"about.json": b'{"model": "evil"}'})
    for name in ("about.json", "manifest.json"):
        (folder / name).write_bytes((tmp_path / "elsewhere" / "causes" / "bad" / name).read_bytes())
    model = store.active("causes")
    assert model is not None
    assert model.model_id == "good"


def test_rolling_back_is_promoting_the_earlier_one_again(tmp_path: Path) -> None:
    store = saved(saved(ModelStore(tmp_path), "one"), "two")
    store.promote("causes", "one")
    model = store.active("causes")
    assert model is not None
    assert model.model_id == "one"
    before = json.loads((tmp_path / "causes" / "ACTIVE.json").read_text(encoding="utf-8"))["before"]
    assert [entry["model_id"] for entry in before] == ["two"]


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "../escape", "manifest.json", "a/b", ".hidden"])
def test_unsafe_names_and_pickles_are_not_stored(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelRefused):
        ModelStore(tmp_path).save("causes", "one", {name: b""})


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


def test_a_pickle_under_another_name_is_refused_and_never_runs(tmp_path: Path) -> None:
    store = saved(ModelStore(tmp_path), **{"model.skops": pickle.dumps(_Bomb()), "w.npy": pickle.dumps(_Bomb())})
    model = store.active("causes")
    assert model is not None
    with pytest.raises(ModelRefused):
        model.estimator("model.skops")
    with pytest.raises(ModelRefused):
        model.array("w.npy")


def test_an_estimator_comes_back_and_one_with_foreign_parts_is_refused(tmp_path: Path) -> None:
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    foreign = FunctionTransformer(func=Path.unlink)
    store = saved(
        ModelStore(tmp_path), **{"good.skops": dump_estimator(fitted), "foreign.skops": dump_estimator(foreign)}
    )
    model = store.active("causes")
    assert model is not None
    assert model.estimator("good.skops").predict([[2.0]]).tolist() == [1]
    with pytest.raises(ModelRefused, match="not trusted"):
        model.estimator("foreign.skops")
