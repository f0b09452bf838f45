"""The only door to saved models: plain files, a manifest of their hashes, and a pointer to the active one.

Belongs here: saving, promoting, checking and loading. Not here: what a model is (each model module knows its files) or
MLflow (`ml/tracking.py`; it gets a copy for people to look at and is never loaded from). Nothing is pickled: files are
JSON, plain numpy arrays, or skops with OUR list of trusted types. A file that does not match its hash is refused and
the last good model stays in use.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

# Types beyond skops' own defaults that our models are made of. Widening this list is a decision for a review: skops
# calls what is named here while it loads.
TRUSTED_TYPES: tuple[str, ...] = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
)
_MANIFEST = "manifest.json"
_ACTIVE = "ACTIVE.json"
_PENDING = "PENDING.json"
_DECISIONS = "DECISIONS.jsonl"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
_FORBIDDEN = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill")


class ModelRefused(ValueError):
    """A stored model is not what was saved, or is of a kind that may not be loaded."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One checked model: its files as bytes, exactly as hashed in the manifest."""

    kind: str
    model_id: str
    files: Mapping[str, bytes]

    def json(self, name: str) -> Any:
        """A JSON file of the model."""
        return json.loads(self.files[name])

    def array(self, name: str) -> NDArray[Any]:
        """A numpy file of the model; object arrays (which hide pickles) are refused."""
        try:
            loaded: NDArray[Any] = np.load(io.BytesIO(self.files[name]), allow_pickle=False)
        except ValueError as error:
            raise ModelRefused(f"{self.model_id}/{name}: not a plain array") from error
        return loaded

    def estimator(self, name: str) -> Any:
        """A scikit-learn object saved with skops. Raises ModelRefused when it holds a type we do not trust."""
        # skops pulls in scikit-learn: seconds, and only scoring needs it.
        import skops.io

        data = self.files[name]
        try:
            unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES)
        except (ValueError, KeyError, TypeError, OSError, _bad_zip()) as error:
            raise ModelRefused(f"{self.model_id}/{name}: not a skops file") from error
        if unknown:
            raise ModelRefused(f"{self.model_id}/{name}: types not trusted: {', '.join(sorted(unknown))}")
        return skops.io.loads(data, trusted=list(TRUSTED_TYPES))


def _bad_zip() -> type[Exception]:
    from zipfile import BadZipFile

    return BadZipFile


def dump_estimator(estimator: Any) -> bytes:
    """A scikit-learn object as skops bytes."""
    import skops.io

    return bytes(skops.io.dumps(estimator))


def dump_array(values: NDArray[Any]) -> bytes:
    """A plain array as npy bytes; the same values give the same bytes."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def dump_json(value: Any) -> bytes:
    """Canonical JSON bytes: sorted keys, so that the same content gives the same hash."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode()


class ModelStore:
    """Models of several kinds under one folder: `<kind>/<model_id>/` and one `ACTIVE.json` per kind."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def save(self, kind: str, model_id: str, files: Mapping[str, bytes]) -> None:
        """Write a model (not yet active). Saving the same id again replaces it as a whole. Raises ModelRefused for
        names that are unsafe or promise a pickle."""
        for name in (kind, model_id, *files):
            if not _NAME.match(name) or name == _MANIFEST or name.endswith(_FORBIDDEN):
                raise ModelRefused(f"'{name}' may not be the name of a model or of its file")
        folder = self._root / kind / model_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MANIFEST).unlink(missing_ok=True)
        for name, content in files.items():
            _write(folder / name, content)
        _write(folder / _MANIFEST, dump_json({"files": {name: _sha(files[name]) for name in files}}))

    def load(self, kind: str, model_id: str, *, manifest_sha256: str | None = None) -> StoredModel:
        """One model, every file checked against the manifest and the manifest against `manifest_sha256` when given.

        Raises ModelRefused when anything is missing, added to or changed.
        """
        folder = self._root / kind / model_id
        try:
            manifest = (folder / _MANIFEST).read_bytes()
            if manifest_sha256 is not None and _sha(manifest) != manifest_sha256:
                raise ModelRefused(f"{kind}/{model_id}: the manifest is not the one that was promoted")
            hashes: dict[str, str] = json.loads(manifest)["files"]
            files = {name: (folder / name).read_bytes() for name in sorted(hashes)}
        except (OSError, json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
            raise ModelRefused(f"{kind}/{model_id}: incomplete") from error
        changed = [name for name, content in files.items() if _sha(content) != hashes[name]]
        if changed:
            raise ModelRefused(f"{kind}/{model_id}: changed since it was saved: {', '.join(changed)}")
        return StoredModel(kind=kind, model_id=model_id, files=files)

    def promote(self, kind: str, model_id: str) -> None:
        """Make a saved model the active one, in one step. Raises ModelRefused when its files do not check."""
        self.load(kind, model_id)
        entry = {"model_id": model_id, "manifest_sha256": _sha((self._root / kind / model_id / _MANIFEST).read_bytes())}
        history = [past for past in self._pointers(kind) if past["model_id"] != model_id]
        _write(self._root / kind / _ACTIVE, dump_json({"active": entry, "before": history[:20]}))

    def active(self, kind: str) -> StoredModel | None:
        """The active model; when it is refused, the last good one before it; None when there is none."""
        for entry in self._pointers(kind):
            try:
                return self.load(kind, entry["model_id"], manifest_sha256=entry["manifest_sha256"])
            except ModelRefused as error:
                log.error("model refused, trying the one before it: %s", error)
        return None

    def kinds(self) -> list[str]:
        """Kinds of which something was saved, in order."""
        return sorted(path.name for path in self._root.glob("*") if path.is_dir() and not path.name.startswith("."))

    def saved(self, kind: str) -> list[str]:
        """Ids of the models of a kind that were saved whole, in order."""
        return sorted(path.parent.name for path in (self._root / kind).glob(f"*/{_MANIFEST}"))

    def history(self, kind: str) -> list[str]:
        """Ids of the active model and of those before it, newest first; empty when none was ever promoted."""
        return [entry["model_id"] for entry in self._pointers(kind)]

    def decisions(self, kind: str) -> list[dict[str, Any]]:
        """Who promoted or rolled back what, when and why, oldest first."""
        try:
            lines = (self._root / kind / _DECISIONS).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def record_decision(self, kind: str, decision: Mapping[str, Any]) -> None:
        """Add a line to the record of decisions; lines are never changed."""
        line = json.dumps(dict(decision), sort_keys=True, ensure_ascii=False)
        with (self._root / kind / _DECISIONS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def set_pending(self, kind: str, model_id: str, about: Mapping[str, Any]) -> None:
        """Note beside the pointer that a saved model waits for a person. Raises ModelRefused when its files do not check."""
        self.load(kind, model_id)
        _write(self._root / kind / _PENDING, dump_json({"model_id": model_id, "about": dict(about)}))

    def pending(self, kind: str) -> dict[str, Any] | None:
        """`model_id` and `about` of the model that waits for a person, None when none does."""
        try:
            found: dict[str, Any] = json.loads((self._root / kind / _PENDING).read_bytes())
        except FileNotFoundError:
            return None
        return found

    def drop_pending(self, kind: str) -> None:
        """Forget that a model waits; the model itself stays saved."""
        (self._root / kind / _PENDING).unlink(missing_ok=True)

    def note(self, name: str) -> str | None:
        """A word kept beside the models, such as the vector space they belong to; None when it was never noted."""
        try:
            return (self._root / f"{name}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def set_note(self, name: str, value: str) -> None:
        """Keep a word beside the models."""
        self._root.mkdir(parents=True, exist_ok=True)
        _write(self._root / f"{name}.txt", value.encode())

    def _pointers(self, kind: str) -> list[dict[str, str]]:
        """Active and earlier entries, newest first."""
        try:
            pointer = json.loads((self._root / kind / _ACTIVE).read_bytes())
        except FileNotFoundError:
            return []
        return [pointer["active"], *pointer["before"]]


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Temp file, fsync, rename: a reader sees the old or the new content, also after a power cut."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
