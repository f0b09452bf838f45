"""The embedding cache: nothing twice, nothing lost, the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.text import embed
from ml.text.embed import DIMENSIONS, Embedder, EmbeddingCache
from tests.unit.ml.conftest import CountingEncoder


def test_no_text_is_ever_embedded_twice(tmp_path: Path, encoder: CountingEncoder) -> None:
    embedder = Embedder("fake", encoder)
    first = embedder.embed(["a b", "c", "a b"], EmbeddingCache(tmp_path, "fake"))
    again = embedder.embed(["c", "new one", "a b"], EmbeddingCache(tmp_path, "fake"))
    assert sorted(encoder.seen) == ["a b", "c", "new one"]
    assert np.array_equal(again[0], first[1])
    assert np.array_equal(again[2], first[0])


def test_vectors_come_back_in_the_order_of_the_texts(tmp_path: Path, encoder: CountingEncoder) -> None:
    texts = [f"word{place} " * (place % 7 + 1) for place in range(100)]
    vectors = Embedder("fake", encoder).embed(texts, EmbeddingCache(tmp_path, "fake"))
    assert vectors.shape == (100, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, encoder(texts), atol=1e-3)


def test_another_model_has_its_own_vectors(tmp_path: Path, encoder: CountingEncoder) -> None:
    Embedder("one", encoder).embed(["a"], EmbeddingCache(tmp_path, "one"))
    Embedder("two", encoder).embed(["a"], EmbeddingCache(tmp_path, "two"))
    assert encoder.seen == ["a", "a"]


def test_the_cache_of_another_model_is_refused(tmp_path: Path, encoder: CountingEncoder) -> None:
    with pytest.raises(ValueError, match="vectors of one, not of two"):
        Embedder("two", encoder).embed(["a"], EmbeddingCache(tmp_path, "one"))


@given(known=st.sets(st.integers(0, 30)), asked=st.lists(st.integers(0, 40)))
def test_what_is_stored_is_known_without_reading_it(
    tmp_path_factory: pytest.TempPathFactory, known: set[int], asked: list[int]
) -> None:
    cache = EmbeddingCache(tmp_path_factory.mktemp("cache"), "fake")
    Embedder("fake", CountingEncoder()).embed([f"text {number}" for number in known], cache)
    found = cache.contains([embed.text_key(f"text {number}") for number in asked])
    assert found.tolist() == [number in known for number in asked]


def test_the_same_texts_leave_the_same_bytes(tmp_path: Path, encoder: CountingEncoder) -> None:
    for name in ("left", "right"):
        Embedder("fake", encoder).embed(["b", "a", "c d"], EmbeddingCache(tmp_path / name, "fake"))
    left = {path.name: path.read_bytes() for path in (tmp_path / "left").rglob("*.npy")}
    right = {path.name: path.read_bytes() for path in (tmp_path / "right").rglob("*.npy")}
    assert left == right
    assert len(left) == 2


@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 60), max_size=8), min_size=1, max_size=40))
def test_shards_are_merged_without_losing_or_changing_a_vector(
    tmp_path_factory: object, batches: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")  # type: ignore[attr-defined]
    encoder = CountingEncoder()
    cache = EmbeddingCache(folder, "fake")
    for batch in batches:
        Embedder("fake", encoder).embed([f"text {number}" for number in batch], cache)
    wanted = sorted({f"text {number}" for batch in batches for number in batch})
    assert sorted(encoder.seen) == wanted
    fresh = EmbeddingCache(folder, "fake")
    assert len(fresh) == len(wanted)
    assert len(list(folder.rglob("*.keys.npy"))) <= embed._MERGE_ABOVE + 1


def test_progress_counts_only_what_has_to_be_computed(tmp_path: Path, encoder: CountingEncoder) -> None:
    cache = EmbeddingCache(tmp_path, "fake")
    told: list[tuple[int, int]] = []
    embedder = Embedder("fake", encoder)
    embedder.embed(["a", "b"], cache)
    embedder.embed(["a", "b", "c"], cache, on_progress=lambda done, total: told.append((done, total)))
    embedder.embed(["a"], cache, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]


def test_a_half_written_shard_counts_for_nothing(tmp_path: Path, encoder: CountingEncoder) -> None:
    cache = EmbeddingCache(tmp_path, "fake")
    Embedder("fake", encoder).embed(["a"], cache)
    next(tmp_path.rglob("*.keys.npy")).unlink()
    Embedder("fake", encoder).embed(["a"], EmbeddingCache(tmp_path, "fake"))
    assert encoder.seen == ["a", "a"]


def test_a_ten_megabyte_field_is_cut_before_it_reaches_the_encoder(tmp_path: Path, encoder: CountingEncoder) -> None:
    Embedder("fake", encoder).embed(["x " * 5_000_000], EmbeddingCache(tmp_path, "fake"))
    assert len(encoder.seen[0]) == embed.MAX_CHARACTERS
