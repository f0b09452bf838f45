"""What a classification works with: encoder, cache, model store, tracker, and the instant it works at.

Belongs here: handing these round together, and noticing that models were made in another vector space. Not here: any model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ml import champions
from ml.store import ModelStore
from ml.text.embed import Embedder, EmbeddingCache, Progress, Vectors
from ml.text.tiers import embedder_for
from ml.tracking import Tracker
from models.settings import Settings

SPACE = "SPACE"
# Whose decisions those of the loop itself are.
LOOP = "loop"
# A run that was not told when it is.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where vectors and models live, who is told about trainings, and when it is (`at`, UTC; None: not said)."""

    embedder: Embedder
    cache: EmbeddingCache
    store: ModelStore
    tracker: Tracker
    on_progress: Progress | None = None
    # Written on every tracked run, for example the id of the orchestration run that asked for it.
    tags: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, from the cache where they are known."""
        return self.embedder.embed(texts, self.cache, on_progress=self.on_progress)

    def promote(self, kind: str, model_id: str, why: str) -> None:
        """Put a saved model in use and record why; by the loop itself, at the instant it works at."""
        champions.promote(self.store, kind, model_id, by=LOOP, why=why, at=self.at or EPOCH)

    def keep(self, kind: str, model_id: str, why: str) -> None:
        """Record that a new model did not take the place of the one in use, and why."""
        champions.keep(self.store, kind, model_id, by=LOOP, why=why, at=self.at or EPOCH)

    def has_moved(self) -> bool:
        """Whether the models in use were made from vectors of another space: then they must be fitted anew."""
        known = self.store.note(SPACE)
        return known is not None and known != self.embedder.space

    def settle(self) -> None:
        """Note that the models in use belong to this encoder's space."""
        self.store.set_note(SPACE, self.embedder.space)


def bench_for(
    settings: Settings,
    signals: pa.Table,
    *,
    tracker: Tracker,
    tags: Mapping[str, str] | None = None,
    at: datetime | None = None,
    on_progress: Progress | None = None,
) -> Workbench:
    """The bench of an installation, with the encoder its machine and this load call for (`ml/text/tiers.py`)."""
    store = ModelStore(settings.model_store)
    embedder = embedder_for(
        store,
        settings.embeddings,
        _texts(signals),
        tier=settings.embedding_tier,
        budget_seconds=settings.embedding_budget_seconds,
        on_progress=on_progress,
    )
    cache = EmbeddingCache(settings.embeddings, embedder.model_id)
    return Workbench(embedder, cache, store, tracker, on_progress, dict(tags or {}), at)


def _texts(signals: pa.Table) -> list[str]:
    """All texts of the hand-over that may be embedded: customers' words and the notes beside them."""
    own = signals.filter(pc.fill_null(pc.equal(signals.column("text_author"), "customer"), False)).column("text")
    notes = signals.column("note_text") if "note_text" in signals.column_names else pa.chunked_array([], pa.string())
    return [text for column in (own, notes) for text in column.drop_null().unique().to_pylist() if text.strip()]
