"""Small programmes, fake encoders and stores for the tests of ml/."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from intake.programme import load_programme
from ml.text.embed import DIMENSIONS, Vectors
from models.programme import Programme

ROOT = Path(__file__).resolve().parents[3]


class CountingEncoder:
    """A bag of hashed words as vectors, so that texts with the same words are near; counts what it was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return np.stack([self._vector(text) for text in texts]).astype(np.float32)

    @staticmethod
    def _vector(text: str) -> np.ndarray:
        vector = np.full(DIMENSIONS, 1e-3)
        for word in text.lower().split():
            digest = hashlib.md5(word.encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % DIMENSIONS] += 1.0
        return vector / np.linalg.norm(vector)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture(scope="session")
def bank() -> Programme:
    return load_programme(ROOT / "programme" / "bank")
