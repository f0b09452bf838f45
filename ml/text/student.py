"""A student of the sentence encoder: vectors from counts of words, pairs of words and parts of words.

Belongs here: fitting the student on a company's own texts, its files, and encoding with it. Not here: the counts it is fed
with (`bags.py`), the teacher (`encoders.py`), and when a student is used (`tiers.py`).

The vector of a text is the sum of one row per word and one per known pair of words, scaled to length one. The rows come
from ridge regression of the teacher's vectors on TF-IDF weights, without any label. Parts of words (3 to 5 characters) are
features of the fit too; since everything is a sum, the rows of a word's parts are added to the word's own row beforehand,
and a word the student never met (a typo, a new product) gets the sum of its parts when it first turns up.

A student knows the kind of texts it was fitted on; on another company's it loses 7 to 16 points of accuracy. So it is
fitted for each installation, and refuses below 1,000 texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.store import StoredModel, dump_array, dump_json
from ml.text.bags import Lexicon, learn_lexicon, lexed, word_parts
from ml.text.embed import DIMENSIONS, Vectors, as_unit, text_key

KIND = "embedder-student"
FEWEST_TEACHER_TEXTS = 1_000
MOST_TEACHER_TEXTS = 8_000

# Texts encoded at once: their sums (12 MB) stay near the processor.
_CHUNK = 8_192
# Rows of the kernel made at once: its sparse form would take twice the memory of the dense one.
_KERNEL_ROWS = 1_024


class TooFewTexts(ValueError):
    """There are not enough texts to fit a student that could stand for its teacher."""


@dataclass(frozen=True, slots=True)
class StudentParams:
    """Settings of a fit; written with the student.

    `penalty` is the ridge's, for rows of length one: between 0.1 and 0.3 neither accuracy nor cosine moves by more than
    half a point, on short questions and on long complaints. `held_out` is the share of the teacher's texts (`most_held_out`
    at most) that is not fitted on but tells how faithful the student is.
    """

    penalty: float = 0.2
    held_out: float = 0.1
    most_held_out: int = 500


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Cosine of student and teacher on texts not fitted on: mean with its 95 % interval, and the lowest tenth's upper end."""

    texts: int
    mean: float
    low: float
    high: float
    lowest_tenth: float


@dataclass(frozen=True, slots=True)
class Tables:
    """What a student computes with: a row of DIMENSIONS numbers per word, per pair of words and per part of a word."""

    lexicon: Lexicon
    words: Vectors
    pairs: Vectors
    parts: Vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), DIMENSIONS), float32. A text without any known part is a row of zeros."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            part = texts[start : start + _CHUNK]
            vectors[start : start + len(part)] = as_unit(self._sums(part))
        return vectors

    def _sums(self, texts: Sequence[str]) -> Vectors:
        found = lexed(texts, self.lexicon)
        sums: Vectors = found.words.counts(len(self.words)) @ self.words
        sums += found.pairs.counts(len(self.pairs)) @ self.pairs
        if found.new:
            composed = word_parts(found.new, self.lexicon.parts) @ self.parts
            sums += found.unknown.counts(len(found.new)) @ composed
        return sums


@dataclass(frozen=True, slots=True)
class Student:
    """A fitted student and what is known of it; `teacher` is the model id of the vectors it learned from."""

    model_id: str
    tables: Tables
    fidelity: Fidelity
    teacher: str

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), DIMENSIONS), float32, in the order of `texts`."""
        return self.tables.encode(texts)

    def files(self) -> dict[str, bytes]:
        """What is stored: JSON for people, plain arrays in half precision."""
        return _files(self.tables, self.fidelity, self.teacher)


def _files(tables: Tables, fidelity: Fidelity, teacher: str) -> dict[str, bytes]:
    return {
        "about.json": dump_json({"teacher": teacher, "fidelity": asdict(fidelity), "texts": tables.lexicon.texts}),
        "words.json": dump_json(list(tables.lexicon.words)),
        "parts.json": dump_json(list(tables.lexicon.parts)),
        "pair_codes.npy": dump_array(tables.lexicon.pairs),
        "words.npy": dump_array(tables.words.astype(np.float16)),
        "pairs.npy": dump_array(tables.pairs.astype(np.float16)),
        "parts.npy": dump_array(tables.parts.astype(np.float16)),
    }


def load_student(stored: StoredModel) -> Student:
    """A student out of the model store. Raises KeyError when a file is missing."""
    about: dict[str, Any] = stored.json("about.json")
    words, parts = ({name: row for row, name in enumerate(stored.json(file))} for file in ("words.json", "parts.json"))
    lexicon = Lexicon(words, stored.array("pair_codes.npy"), parts, about["texts"])
    rows = (stored.array(file).astype(np.float32) for file in ("words.npy", "pairs.npy", "parts.npy"))
    return Student(stored.model_id, Tables(lexicon, *rows), Fidelity(**about["fidelity"]), about["teacher"])


def fit_student(
    texts: Sequence[str], vectors: Vectors, *, teacher: str, params: StudentParams | None = None
) -> Student:
    """Fit on distinct texts and the teacher's vectors (len(texts), DIMENSIONS); at most MOST_TEACHER_TEXTS are used.

    Dual ridge (Saunders et al., 1998): an n x n kernel and one Cholesky factor. Which texts are used and which are held
    out goes by their hash, so their order means nothing. The same texts on one machine give the same student. Raises
    TooFewTexts below FEWEST_TEACHER_TEXTS and ValueError when rows do not match texts.
    """
    params = params or StudentParams()
    if len(texts) != len(vectors):
        raise ValueError(f"{len(texts)} texts, but vectors of {len(vectors)}")
    require_enough(len(texts))
    order = sorted(range(len(texts)), key=lambda row: text_key(texts[row]))[:MOST_TEACHER_TEXTS]
    texts, vectors = [texts[row] for row in order], as_unit(vectors[order])
    kept = len(texts) - min(int(len(texts) * params.held_out), params.most_held_out)
    tables = _fit(texts[:kept], vectors[:kept], params.penalty)
    fidelity = _fidelity(tables.encode(texts[kept:]), vectors[kept:])
    files = _files(tables, fidelity, teacher)
    digest = hashlib.sha256(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()
    return Student(f"static-{digest[:12]}", tables, fidelity, teacher)


def require_enough(texts: int) -> None:
    """Raises TooFewTexts when a student fitted on so many distinct texts could not stand for its teacher."""
    if texts < FEWEST_TEACHER_TEXTS:
        raise TooFewTexts(
            f"a student needs {FEWEST_TEACHER_TEXTS} different texts to learn from and there are {texts}; "
            "with fewer it would lose more than five points of accuracy"
        )


def _fit(texts: Sequence[str], vectors: Vectors, penalty: float) -> Tables:
    lexicon = learn_lexicon(texts)
    blocks = _counts(texts, lexicon)
    weights = [_rarity(block) for block in blocks]
    weighted = [block * weight[None, :] for block, weight in zip(blocks, weights, strict=True)]
    rows = _unit_rows(sparse.hstack(weighted, format="csr"))
    solved = rows.T @ _dual(rows, vectors, penalty)
    edges = np.cumsum([len(weight) for weight in weights])[:-1]
    words, pairs, parts = (
        np.asarray(part * weight[:, None], dtype=np.float32)
        for part, weight in zip(np.split(solved, edges), weights, strict=True)
    )
    words += word_parts(list(lexicon.words), lexicon.parts) @ parts
    return Tables(lexicon, *(_as_stored(table) for table in (words, pairs, parts)))


def _as_stored(table: Vectors) -> Vectors:
    """Rounded to what the store keeps, so that a student computes the same before and after."""
    return table.astype(np.float16).astype(np.float32)


def _counts(texts: Sequence[str], lexicon: Lexicon) -> list[sparse.csr_array]:
    """Counts of words, pairs and parts (of known and of unknown words) per text."""
    found = lexed(texts, lexicon)
    words, unknown = found.words.counts(len(lexicon.words)), found.unknown.counts(len(found.new))
    parts = words @ word_parts(list(lexicon.words), lexicon.parts) + unknown @ word_parts(found.new, lexicon.parts)
    blocks = [words, found.pairs.counts(len(lexicon.pairs)), parts.tocsr()]
    for block in blocks:
        block.sum_duplicates()
    return blocks


def _rarity(counts: sparse.csr_array) -> NDArray[np.float32]:
    """Inverse document frequency, smoothed: ln((1 + n) / (1 + texts with it)) + 1."""
    met = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + met)) + 1, dtype=np.float32)


def _unit_rows(rows: sparse.csr_array) -> sparse.csr_array:
    length = np.sqrt(rows.multiply(rows).sum(axis=1))
    return (rows * (1 / np.maximum(length, 1e-9)).astype(np.float32)[:, None]).tocsr()


def _dual(rows: sparse.csr_array, vectors: Vectors, penalty: float) -> Vectors:
    """Solution of (K + penalty I) a = vectors for the kernel K of the rows; memory 4 n^2 bytes."""
    from scipy.linalg import cho_factor, cho_solve

    kernel = np.empty((rows.shape[0], rows.shape[0]), dtype=np.float32)
    columns = rows.T.tocsr()
    for start in range(0, rows.shape[0], _KERNEL_ROWS):
        kernel[start : start + _KERNEL_ROWS] = (rows[start : start + _KERNEL_ROWS] @ columns).toarray()
    kernel[np.diag_indices_from(kernel)] += penalty
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, vectors, check_finite=False), dtype=np.float32)


def _fidelity(student: Vectors, teacher: Vectors) -> Fidelity:
    cosine = (student * teacher).sum(axis=1)
    mean, margin = float(cosine.mean()), 1.96 * float(cosine.std(ddof=1)) / len(cosine) ** 0.5
    low, high, tenth = (round(value, 4) for value in (mean - margin, mean + margin, float(np.quantile(cosine, 0.1))))
    return Fidelity(len(cosine), round(mean, 4), low, high, tenth)
