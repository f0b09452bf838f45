"""The models in use, kept loaded: what they say of a handful of new texts, without fitting or tracking anything.

Belongs here: loading once per set of models, and one prediction table. Not here: the models (`ml/root_cause`), or when a
new one takes over (the batch lane's work).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ml.root_cause.bench import Workbench
from ml.root_cause.classifier import KIND, load_cause_model
from ml.root_cause.felt import ReadingModels
from ml.root_cause.fitting import Fitted
from ml.root_cause.predict import predict_rows
from ml.root_cause.reading import load_reading_models
from ml.root_cause.theme_review import TOPICS
from ml.root_cause.themes import load_theme_model
from ml.store import ModelStore
from ml.text.embed import EmbeddingCache, Vectors
from ml.text.tiers import embedder_for
from ml.tracking import Tracker
from models.programme import Programme
from models.settings import Settings


@dataclass
class WarmModels:
    """The models of one installation. Not safe for two threads at once; the lane has one."""

    settings: Settings
    _token: str = ""
    _bench: Workbench | None = None
    _fitted: Fitted = field(default_factory=lambda: Fitted(None, None))
    _readings: ReadingModels | None = None

    def predict(self, signals: pa.Table, programme: Programme) -> pa.Table:
        """Rows of ml_root_cause__prediction for `signals` (columns of the hand-over), by the models in use now."""
        self._follow()
        assert self._bench is not None and self._readings is not None, "loaded by the line above"
        return predict_rows(signals, programme, self._bench, self._fitted, self._readings)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Sentence vectors (len(texts), DIMENSIONS), from the cache where they are known."""
        self._follow()
        assert self._bench is not None, "loaded by the line above"
        return self._bench.embed(texts)

    def warm_up(self) -> None:
        """Load models and encoder now: the first row that arrives should not wait ten seconds for them."""
        self._follow()

    def _follow(self) -> None:
        """Load again when another model was put in use since."""
        store = ModelStore(self.settings.model_store)
        token = _in_use(store)
        if self._bench is not None and token == self._token:
            return
        embedder = embedder_for(store, self.settings.embeddings, (), tier=self.settings.embedding_tier)
        # A cache of its own: the batch lane may be merging the shards of the other one at this moment.
        cache = EmbeddingCache(self.settings.fast_lane / "embeddings", embedder.model_id)
        causes, themes = store.active(KIND), store.active(TOPICS)
        self._fitted = Fitted(
            load_theme_model(themes) if themes else None, load_cause_model(causes) if causes else None
        )
        self._readings = load_reading_models(store)
        self._bench = Workbench(embedder, cache, store, _untracked(self.settings))
        if self._fitted.causes or self._fitted.themes:
            embedder.encode(["warm"])
        # Loading an encoder asks for every core.
        _one_thread()
        self._token = token


def _one_thread() -> None:
    """Keep the numbers of a few rows on one thread.

    Where other processes want the cores, two threads wait for each other more than they work: a step took 1.24 s and
    0.94 CPU-s with two, 0.74 s and 0.50 CPU-s with one, beside two busy processes on two cores.
    """
    import threadpoolctl  # type: ignore[import-untyped]

    threadpoolctl.threadpool_limits(1)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def _in_use(store: ModelStore) -> str:
    """The active model of every kind, in words."""
    return " ".join(f"{kind}={next(iter(store.history(kind)), None)}" for kind in store.kinds())


def _untracked(settings: Settings) -> Tracker:
    """Nothing is fitted here, so nobody is told of a fit."""
    return Tracker("", artifact_root=settings.mlflow_dir, enabled=False)
