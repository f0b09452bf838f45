"""Scores of causes from a sentence vector and the words: a least-squares kernel machine, solved exactly.

Belongs here: the kernel, the solver and the model of scores. Not here: probabilities (`calibration.py`) and what is
trained on what (`classifier.py`).

Method: least-squares support vector machine, one against the rest (Suykens & Vandewalle 1999; Rifkin & Klautau 2004),
over the sum of a Gaussian kernel of unit MiniLM vectors and linear kernels of TF-IDF words(1,2) and letters(3-5).
Rare causes count more: the ridge of a text grows with the share of its cause. One factorisation serves all
causes, which is why 77 causes cost what two do. Chosen over LinearSVC on the same features: docs/ml.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.examples import ClassifierParams, Floats, Rows
from ml.text.embed import Vectors, as_unit
from ml.text.words import words_of

Singles = NDArray[np.float32]

# exp(4 (cosine - 1)): the width that was best on 77 and on 9 causes; twice or half of it costs up to a point.
_SHARPNESS = 4.0
# Shares of meaning, words and letters in the kernel.
_MEANING, _WORDS, _LETTERS = 0.5, 0.25, 0.25
_BIAS = 0.1
_BLOCK = 1_024
# Rarest and most frequent causes are weighed as if their share were within these multiples of the average.
_LEAST_SHARE, _LARGEST_SHARE = 0.05, 20.0


@dataclass(frozen=True, slots=True)
class Terms:
    """Fitted TF-IDF of words and of letters."""

    words: Any
    letters: Any

    def transform(self, texts: Sequence[str]) -> Any:
        """Sparse float32 matrix (texts, terms) whose inner products are the word and letter parts of the kernel."""
        from scipy.sparse import hstack

        plain = [plain_words(text) for text in texts]
        parts = [np.sqrt(_WORDS) * self.words.transform(plain), np.sqrt(_LETTERS) * self.letters.transform(plain)]
        return hstack(parts, format="csr", dtype=np.float32)


def fit_terms(texts: Sequence[str], params: ClassifierParams) -> Terms:
    """TF-IDF of lower-case words without masks and digits. Raises ValueError when no text holds a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    plain = [plain_words(text) for text in texts]
    common: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=params.words, token_pattern=r"\S+", **common)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=params.letters, **common)
    return Terms(words.fit(plain), letters.fit(plain))


def plain_words(text: str) -> str:
    """The words of a text joined by blanks; empty when it has none."""
    return " ".join(words_of(text))


def stored_vectors(vectors: Vectors) -> Vectors:
    """Unit vectors rounded to half precision, as the model keeps them, so that a saved model scores as before."""
    return np.asarray(as_unit(vectors).astype(np.float16), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class KernelModel:
    """Scores of causes, about -1 (not this) to 1 (this). Holds the vectors of its training texts, not the texts."""

    terms: Terms
    support: Vectors
    dual: Singles
    weights: Singles
    bias: Singles

    def scores(self, texts: Sequence[str], vectors: Vectors) -> Floats:
        """Scores (texts, causes) of redacted texts and their sentence vectors."""
        if not len(texts):
            return np.zeros((0, self.dual.shape[1]))
        # Double precision: in single, a text's sixth decimal depended on the texts scored beside it.
        near, support = stored_vectors(vectors).astype(np.float64), self.support.astype(np.float64)
        result = np.asarray(self.terms.transform(texts) @ self.weights, dtype=np.float64) + self.bias
        for begin in range(0, len(near), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            result[rows] += _likeness(near[rows], support) @ self.dual.astype(np.float64)
        return result


@dataclass(frozen=True, slots=True)
class Fit:
    """A model on all rows and, for each row, the scores of a model that saw neither it nor any copy of it."""

    model: KernelModel
    out_of_fold: Floats


def fit(
    texts: Sequence[str],
    vectors: Vectors,
    target: Rows,
    folds: Sequence[tuple[Rows, Rows]],
    params: ClassifierParams,
    *,
    causes: int,
    weights: Sequence[float] | None = None,
) -> Fit:
    """Fit on all rows, and once per fold (train rows, held-out rows) for the scores out of fold.

    `target` (n,) holds the cause of each text as an index below `causes`. Term frequencies are those of all rows in every
    fold: they know words, not causes. Cost: n cubed / 3 multiplications for the model and as much for two folds.
    """
    terms, support = fit_terms(texts, params), stored_vectors(vectors)
    matrix = terms.transform(texts)
    kernel = gram(support, matrix)
    penalty = penalties(target, params, weights)
    wanted = np.full((len(target), causes), -1.0, dtype=np.float32)
    wanted[np.arange(len(target)), target] = 1.0
    held_out = np.zeros(wanted.shape)
    for train, test in folds:
        dual = solve(kernel[np.ix_(train, train)], wanted[train], penalty[train])
        held_out[test] = kernel[np.ix_(test, train)] @ dual
    dual = solve(kernel, wanted, penalty)
    model = KernelModel(
        terms,
        support,
        dual=(_MEANING * dual).astype(np.float32),
        weights=np.asarray(matrix.T @ dual, dtype=np.float32),
        bias=_BIAS * dual.sum(axis=0),
    )
    return Fit(model, held_out)


def gram(support: Vectors, matrix: Any) -> Singles:
    """Kernel of all pairs (n, n), made in blocks: a sparse product of letters as a whole would take thrice the room."""
    rows = len(support)
    kernel = np.empty((rows, rows), dtype=np.float32)
    turned = matrix.T.tocsc()
    for begin in range(0, rows, _BLOCK):
        end = min(begin + _BLOCK, rows)
        part = (matrix[begin:end] @ turned[:, :end]).toarray()
        part += _MEANING * _likeness(support[begin:end], support[:end]) + np.float32(_BIAS)
        kernel[begin:end, :end] = part
        kernel[:begin, begin:end] = part[:, :begin].T
    return kernel


def _likeness(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Gaussian kernel of unit vectors, in the precision of the vectors."""
    near: NDArray[Any] = left @ right.T
    near -= 1
    near *= _SHARPNESS
    return np.asarray(np.exp(near, out=near))


def penalties(target: Rows, params: ClassifierParams, weights: Sequence[float] | None = None) -> Singles:
    """Ridge per text (n,): larger for texts of frequent causes and of unsure labellers."""
    counts = np.bincount(target)
    share = np.clip(counts[target] / len(target) * (counts > 0).sum(), _LEAST_SHARE, _LARGEST_SHARE)
    sure = np.ones(len(target)) if weights is None else np.maximum(np.asarray(weights, dtype=np.float64), 0.1)
    return np.asarray(params.regularisation * share**params.balance / sure, dtype=np.float32)


def solve(kernel: Singles, wanted: Singles, penalty: Singles) -> Singles:
    """Coefficients (n, causes) of the ridge solution. The kernel is overwritten: a copy of it may not fit."""
    from scipy.linalg import cho_factor, cho_solve

    kernel[np.diag_indices_from(kernel)] += penalty
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, wanted, check_finite=False), dtype=np.float32)
