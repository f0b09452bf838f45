"""Detection's encoder costs nothing until a rule asks what a text is like, and asks each text once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.detection.encoder import LazyEncoder
from ml.text.embed import DIMENSIONS, Vectors
from models.settings import Settings


def test_a_text_is_encoded_when_first_asked_for_and_then_known(tmp_path: Path) -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        return np.full((len(texts), DIMENSIONS), float(len(seen)), dtype=np.float32)

    settings = Settings(home=tmp_path)
    encoder = LazyEncoder(settings, encode)
    assert not settings.embeddings.exists()
    first = encoder(["a fee nobody told me of", "a long queue"])
    assert first.shape == (2, DIMENSIONS)
    again = LazyEncoder(settings, encode)(["a long queue"])
    assert np.array_equal(again[0], first[1])
    assert sorted(seen) == ["a fee nobody told me of", "a long queue"]
