"""A fit as a BERTopic model, for people who want to explore it with BERTopic's own views.

Belongs here: the translation. Not here: anything the loop works by, which reads the plain files of `themes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.text.terms import TermTable


def interpretive_model(table: TermTable, labels: NDArray[np.int64], centroids: Any, names: Sequence[str]) -> Any:
    """The fit as a BERTopic model, for people who want to explore it: its words, its map, its tree of topics.

    Texts are given as numbers only, so no word of a customer is inside beyond the terms themselves.
    """
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction
    from bertopic.vectorizers import ClassTfidfTransformer

    model = BERTopic(
        language="multilingual",
        embedding_model=BaseEmbedder(),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
        vectorizer_model=_Counted(table),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
        calculate_probabilities=False,
    )
    rows = [str(row) for row in range(len(labels))]
    found = model.fit_transform(rows, embeddings=np.zeros((len(rows), 2), dtype=np.float32), y=labels)[0]
    # BERTopic numbers topics by size in its own way.
    own = {int(theirs): int(ours) for theirs, ours in zip(found, labels, strict=True)}
    model.topic_embeddings_ = np.stack([centroids[own[topic]] for topic in sorted(own)])
    model.set_topic_labels({topic: names[own[topic]] for topic in own})
    return model


class _Counted:
    """A vectoriser whose documents are numbers of rows of a table that is counted already."""

    def __init__(self, table: TermTable) -> None:
        self.table = table

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What BERTopic asks every part for."""
        return {"table": self.table}

    def fit(self, documents: Sequence[str]) -> _Counted:
        """Nothing to learn."""
        return self

    def fit_transform(self, documents: Sequence[str]) -> Any:
        """See `transform`."""
        return self.transform(documents)

    def transform(self, documents: Sequence[str]) -> Any:
        """Sums of the rows each document names, (documents, terms)."""
        from scipy.sparse import csr_matrix

        named = [[int(row) for row in document.split()] for document in documents]
        rows = np.repeat(np.arange(len(named)), [len(own) for own in named])
        columns = np.array([row for own in named for row in own], dtype=np.int64)
        shape = (len(named), self.table.presence.shape[0])
        return csr_matrix((np.ones(len(columns)), (rows, columns)), shape=shape) @ self.table.presence

    def get_feature_names_out(self) -> NDArray[Any]:
        """The terms."""
        return np.array(self.table.terms)
