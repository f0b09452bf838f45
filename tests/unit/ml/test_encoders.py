"""The encoder without padding gives the vectors of the published library, in any batch and any number format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.text import encoders
from ml.text.embed import DIMENSIONS, MAX_TOKENS, MINILM, Embedder
from ml.text.encoders import BACKENDS, BF16, FP32, MiniLM, backend_of

TEXTS = [
    "My card was declined at the shop and nobody could tell me why.",
    "",
    "Überweisung fehlt seit 3 Wochen!!",
    "the app keeps crashing " * 90,
    "refund",
    "The store terminal rejected my debit card \U0001f620 again",
    "I was charged twice for the same order, please refund the second charge",
]


@pytest.fixture(scope="module")
def exact() -> MiniLM:
    return MiniLM(FP32)


def test_vectors_are_those_of_sentence_transformers(exact: MiniLM) -> None:
    from sentence_transformers import SentenceTransformer

    stock = SentenceTransformer(str(encoders.model_folder()), device="cpu")
    stock.max_seq_length = MAX_TOKENS
    expected = stock.encode(TEXTS, batch_size=32, show_progress_bar=False, normalize_embeddings=True)
    assert np.allclose(exact(TEXTS), expected, atol=2e-6)


def test_a_text_has_the_same_vector_alone_and_among_others(exact: MiniLM) -> None:
    together = exact(TEXTS)
    alone = np.concatenate([exact([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=2e-6)


def test_half_the_bits_keep_the_direction_and_ignore_the_company(exact: MiniLM) -> None:
    short = MiniLM(BF16)
    together = short(TEXTS)
    assert (together * exact(TEXTS)).sum(axis=1).min() > 0.999
    alone = np.concatenate([short([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.999


def test_a_text_is_read_up_to_its_256th_word_piece(exact: MiniLM) -> None:
    long, longer = "again " * 254, "again " * 254 + "crash on login"
    assert np.allclose(exact([long]), exact([longer]), atol=2e-6)
    assert not np.allclose(exact(["again " * 20]), exact(["again " * 20 + "crash on login"]), atol=1e-2)


def test_no_texts_are_no_rows(exact: MiniLM) -> None:
    assert exact([]).shape == (0, DIMENSIONS)


def test_the_cache_of_single_precision_keeps_its_name_and_no_two_backends_share_one() -> None:
    assert FP32.model_id == MINILM == Embedder().model_id
    assert len({backend.model_id for backend in BACKENDS.values()}) == len(BACKENDS)
    assert [backend_of(backend.model_id) for backend in BACKENDS.values()] == list(BACKENDS.values())


def test_exact_backends_may_stand_in_one_index_and_a_student_may_not() -> None:
    assert Embedder(BF16.model_id).space == Embedder().space
    assert Embedder("static-0123").space != Embedder().space


def test_an_unknown_name_is_refused_when_something_has_to_be_computed() -> None:
    with pytest.raises(KeyError):
        Embedder("all-MiniLM-L6-v2-256-int3").encode(["a"])


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors"):
        MiniLM(FP32, tmp_path)


@given(lengths=st.lists(st.integers(2, MAX_TOKENS), max_size=200))
def test_batches_hold_every_row_once_in_order_of_length_and_keep_to_the_budget(lengths: list[int]) -> None:
    values = np.array(lengths, dtype=np.int64)
    batches = list(encoders._batches(values))
    rows = np.concatenate(batches) if batches else np.array([], dtype=np.int64)
    assert sorted(rows) == list(range(len(lengths)))
    assert all(np.diff(values[rows]) >= 0)
    assert all(values[batch].sum() <= encoders._BATCH_TOKENS for batch in batches)


@given(lengths=st.lists(st.integers(2, MAX_TOKENS), min_size=1, max_size=60))
def test_groups_are_runs_of_one_length_that_cover_a_batch(lengths: list[int]) -> None:
    values = np.sort(np.array(lengths, dtype=np.int64))
    starts = np.concatenate([[0], np.cumsum(values)])
    covered = [int(at) + place * length for at, count, length in encoders._groups(values) for place in range(count)]
    assert covered == starts[:-1].tolist()
