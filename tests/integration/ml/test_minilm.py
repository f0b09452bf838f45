"""The real sentence encoder, from the installed package and without the network."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from ml.text.embed import DIMENSIONS, MINILM, Embedder, EmbeddingCache


def test_meaning_is_near_meaning_and_no_network_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a look-up outside was made")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    texts = ["My card was declined at the shop", "The store terminal rejected my debit card", "The app keeps crashing"]
    cache = EmbeddingCache(tmp_path, MINILM)
    vectors = Embedder().embed(texts, cache)
    assert vectors.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)
    cosine = vectors @ vectors.T
    assert cosine[0, 1] > 0.5 > cosine[0, 2]
    alone = Embedder().embed(texts[:1], EmbeddingCache(tmp_path / "other", MINILM))
    assert np.allclose(alone[0], vectors[0], atol=1e-3)
