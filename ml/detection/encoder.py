"""The sentence encoder of an installation, for rules that ask what a text is like.

Belongs here: handing detection an encoder that costs nothing until a rule asks. Not here: the encoder and its cache
(`ml/text`), the clause (`likeness.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ml.store import ModelStore
from ml.text.embed import Embedder, EmbeddingCache, Encode, Vectors
from ml.text.tiers import embedder_for
from models.settings import Settings


class LazyEncoder:
    """Texts to sentence vectors (len(texts), DIMENSIONS); chosen and loaded when first called, known texts are cached.

    `encode` replaces the encoder, for tests.
    """

    def __init__(self, settings: Settings, encode: Encode | None = None) -> None:
        self._settings, self._encode = settings, encode
        self._embedder: Embedder | None = None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors in the order of the texts. The first call's texts are the load the encoder is chosen for."""
        settings = self._settings
        if self._embedder is None:
            self._embedder = embedder_for(
                ModelStore(settings.model_store), settings.embeddings, texts, tier=settings.embedding_tier,
                budget_seconds=settings.embedding_budget_seconds, encode=self._encode,
            )  # fmt: skip
        return self._embedder.embed(texts, EmbeddingCache(settings.embeddings, self._embedder.model_id))
