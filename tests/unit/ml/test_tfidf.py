"""A vectoriser read back from its files counts as the fitted one did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from ml.store import ModelRefused, ModelStore
from ml.text.tfidf import load_tfidf, tfidf_files

TEXTS = ["the card was declined", "fee charged twice", "a fee on the card", "überweisung fehlt seit tagen"]


@pytest.mark.parametrize(
    "settings",
    [
        {"ngram_range": (1, 2), "token_pattern": r"\S+", "sublinear_tf": True},
        {"analyzer": "char_wb", "ngram_range": (3, 5), "sublinear_tf": True, "max_features": 40},
    ],
)
def test_words_and_weights_come_back_to_the_bit(tmp_path: Path, settings: dict[str, Any]) -> None:
    fitted = TfidfVectorizer(dtype=np.float32, **settings).fit(TEXTS)
    store = ModelStore(tmp_path)
    store.save("kind", "one", tfidf_files("words", fitted))
    again = load_tfidf(store.load("kind", "one"), "words")
    unseen = [*TEXTS, "card fee declined twice", ""]
    assert (again.transform(unseen) != fitted.transform(unseen)).nnz == 0


def test_words_without_their_weights_are_refused(tmp_path: Path) -> None:
    fitted = TfidfVectorizer(dtype=np.float32).fit(TEXTS)
    files = tfidf_files("words", fitted)
    other = tfidf_files("words", TfidfVectorizer(dtype=np.float32).fit(TEXTS[:1]))
    store = ModelStore(tmp_path)
    store.save("kind", "one", {**files, "words-idf.npy": other["words-idf.npy"]})
    with pytest.raises(ModelRefused, match="weights"):
        load_tfidf(store.load("kind", "one"), "words")
