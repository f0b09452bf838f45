"""A fitted TF-IDF vectoriser as plain files.

Belongs here: saving and rebuilding one. Not here: what is counted (each model says so when it fits).

skops keeps a vocabulary as one file per word: loading 36,000 words took 10 CPU-seconds at every run. Words as JSON and
weights as one array load in a twentieth of a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.store import ModelRefused, StoredModel, dump_array, dump_json

_KEPT = ("analyzer", "ngram_range", "token_pattern", "sublinear_tf", "lowercase")


def tfidf_files(name: str, vectoriser: Any) -> dict[str, bytes]:
    """The words in order with the settings, and their weights; each file name is led by `name`."""
    terms = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.__getitem__)
    settings = {key: value for key, value in vectoriser.get_params().items() if key in _KEPT}
    return {
        f"{name}.json": dump_json({"terms": terms, "settings": settings}),
        f"{name}-idf.npy": dump_array(np.asarray(vectoriser.idf_, dtype=np.float32)),
    }


def load_tfidf(stored: StoredModel, name: str) -> Any:
    """The vectoriser of a checked stored model. Raises ModelRefused when words and weights do not belong together."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    about, weights = stored.json(f"{name}.json"), stored.array(f"{name}-idf.npy")
    if len(about["terms"]) != len(weights):
        raise ModelRefused(f"{stored.model_id}/{name}: {len(about['terms'])} words and {len(weights)} weights")
    settings = {**about["settings"], "ngram_range": tuple(about["settings"]["ngram_range"])}
    vectoriser = TfidfVectorizer(vocabulary=about["terms"], dtype=np.float32, **settings)
    vectoriser.idf_ = weights
    return vectoriser
