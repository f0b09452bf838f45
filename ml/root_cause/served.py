"""The cause classifier as MLflow's "model from code": what a person gets who loads a registered version.

Belongs here: the thin class MLflow runs. Not here: scoring in production, which loads from `ml/store.py`. Nothing in
the project imports this module; MLflow executes it as a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _model() -> Any:
    """Built in a function, because importing MLflow at module level would cost everybody who touches this package."""
    import mlflow.pyfunc
    import pandas as pd

    from ml.root_cause.classifier import KIND, CauseModel, load_cause_model
    from ml.store import StoredModel
    from ml.text.embed import Embedder

    class ServedCauseModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
        """Texts in (column `text`), cause and confidence out."""

        _loaded: CauseModel

        def load_context(self, context: Any) -> None:
            """Read the files with our own list of trusted types."""
            folder = Path(context.artifacts["files"])
            files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
            self._loaded = load_cause_model(StoredModel(kind=KIND, model_id="served", files=files))

        # No type hints: MLflow would read a signature out of them, and the signature is given.
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """One row per text; an empty cause means the model is too unsure."""
            texts = [str(text) for text in model_input["text"]]
            causes, confidence = self._loaded.predict(texts, Embedder().encode(texts))
            return pd.DataFrame({"cause_id": causes, "confidence": confidence})

    return ServedCauseModel()


def publish() -> None:
    """Hand the model to MLflow, which calls this file to get it."""
    from mlflow.models import set_model

    set_model(_model())


publish()
