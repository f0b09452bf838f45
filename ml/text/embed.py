"""Sentence vectors of redacted texts, each text computed once.

Belongs here: the door to an encoder and the cache of its vectors keyed by the text's hash. Not here: redaction (which
must have happened before), the encoders (`encoders.py`, `student.py`), the choice among them (`tiers.py`), and anything
that interprets a vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
# The model was trained on short passages; beyond 256 word pieces accuracy does not rise and cost does.
MAX_TOKENS = 256
# No English or German word piece run of 256 is longer; a 10 MB field must not reach the tokeniser.
MAX_CHARACTERS = 6_000
MINILM = f"all-MiniLM-L6-v2-{MAX_TOKENS}"

# A chunk is what a crash can lose and what progress is told by.
_CHUNK = 512
_MERGE_ABOVE = 24

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
# Turns texts into float32 vectors of DIMENSIONS, one row per text.
Encode = Callable[[Sequence[str]], Vectors]


def text_key(text: str) -> str:
    """md5 (hex) of a text: the same as `text_hash` in the warehouse."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class EmbeddingCache:
    """Vectors on disk by text key, in append-only shards of plain arrays that are mapped, not read, into memory.

    One shard is two files: sorted keys and half-precision vectors in the same order. The name is the hash of the keys
    and the keys file is written last, so a crash leaves nothing that counts. Shards are merged when there are many.
    """

    def __init__(self, folder: Path, model_id: str) -> None:
        self.model_id = model_id
        self._folder = folder / model_id
        self._folder.mkdir(parents=True, exist_ok=True)
        self._shards: dict[str, tuple[NDArray[np.uint64], NDArray[np.float16]]] = {}
        self.refresh()

    def __len__(self) -> int:
        """Number of stored vectors."""
        return sum(len(keys) for keys, _ in self._shards.values())

    def refresh(self) -> None:
        """Look again at the folder: another process may have added shards."""
        names = {path.name.removesuffix(".keys.npy") for path in self._folder.glob("*.keys.npy")}
        self._shards = {name: self._shards.get(name) or self._open(name) for name in sorted(names)}

    def _open(self, name: str) -> tuple[NDArray[np.uint64], NDArray[np.float16]]:
        keys = np.load(self._folder / f"{name}.keys.npy", allow_pickle=False)
        return keys, np.load(self._folder / f"{name}.vectors.npy", mmap_mode="r", allow_pickle=False)

    def fetch(self, keys: Sequence[str]) -> tuple[Vectors, NDArray[np.bool_]]:
        """Vectors (len(keys), DIMENSIONS) and a mask of the rows that were found; other rows are zero."""
        wanted = _numbers(keys)
        found = np.zeros(len(wanted), dtype=bool)
        vectors = np.zeros((len(wanted), DIMENSIONS), dtype=np.float32)
        for stored, values in self._shards.values():
            position, hit = _positions(stored, wanted)
            hit &= ~found
            vectors[hit] = values[position[hit]]
            found |= hit
        return vectors, found

    def contains(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Which keys are stored, without reading a vector."""
        wanted = _numbers(keys)
        found = np.zeros(len(wanted), dtype=bool)
        for stored, _ in self._shards.values():
            found |= _positions(stored, wanted)[1]
        return found

    def add(self, keys: Sequence[str], vectors: Vectors) -> None:
        """Store vectors under their keys (each key once). Values are kept in half precision."""
        if not keys:
            return
        numbers = _numbers(keys)
        self._write(numbers, vectors.astype(np.float16))
        if len(self._shards) > _MERGE_ABOVE:
            self._merge()

    def _write(self, numbers: NDArray[np.uint64], vectors: NDArray[np.float16]) -> str:
        order = np.lexsort((numbers[:, 1], numbers[:, 0]))
        numbers, vectors = numbers[order], vectors[order]
        name = hashlib.sha256(numbers.tobytes()).hexdigest()[:24]
        for part, array in (("vectors", vectors), ("keys", numbers)):
            fresh = self._folder / f".{name}.{part}.tmp.npy"
            np.save(fresh, array, allow_pickle=False)
            fresh.replace(self._folder / f"{name}.{part}.npy")
        self._shards[name] = self._open(name)
        return name

    def _merge(self) -> None:
        old = dict(self._shards)
        numbers = np.concatenate([keys for keys, _ in old.values()])
        vectors = np.concatenate([values for _, values in old.values()])
        unique, first = np.unique(numbers, axis=0, return_index=True)
        kept = self._write(unique, vectors[first])
        for name in old.keys() - {kept}:
            (self._folder / f"{name}.keys.npy").unlink(missing_ok=True)
            (self._folder / f"{name}.vectors.npy").unlink(missing_ok=True)
            del self._shards[name]


def _positions(stored: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where keys would stand among sorted keys, and which are there."""
    position = np.minimum(np.searchsorted(stored[:, 0], wanted[:, 0]), len(stored) - 1)
    return position, (stored[position] == wanted).all(axis=1)


def _numbers(keys: Sequence[str]) -> NDArray[np.uint64]:
    """(n, 2) big-endian halves of md5 keys, so that numeric order is the order of the hex text."""
    raw = bytes.fromhex("".join(keys))
    return np.frombuffer(raw, dtype=">u8").reshape(-1, 2).astype(np.uint64)


class Embedder:
    """One encoder under one name, loaded on first need only: a run with nothing new never pays for the import.

    Without arguments it is MiniLM in single precision; `ml/text/tiers.py` chooses for a machine and a load. `model_id`
    names the folder of the cache, `space` the vectors that may stand in one index: every exact backend shares one (their
    cosine is above 0.999), every fitted student is its own. `reason` says why this encoder was chosen, for logs.
    """

    def __init__(
        self,
        model_id: str = MINILM,
        encode: Encode | None = None,
        *,
        space: str | None = None,
        chunk: int = _CHUNK,
        reason: str = "",
    ) -> None:
        self.model_id = model_id
        self.space = space or (MINILM if model_id.startswith(MINILM) else model_id)
        self.reason = reason
        self._encode = encode
        self._chunk = chunk

    def embed(self, texts: Sequence[str], cache: EmbeddingCache, *, on_progress: Progress | None = None) -> Vectors:
        """Vectors (len(texts), DIMENSIONS), float32, in the order of `texts`; only texts the cache lacks are computed.

        Equal texts are computed once. `on_progress(done, total)` counts the texts that had to be computed. Values
        come from the cache in every case, so a first and a later run see the same numbers. Raises ValueError for the
        cache of another model.
        """
        if cache.model_id != self.model_id:
            raise ValueError(f"the cache holds vectors of {cache.model_id}, not of {self.model_id}")
        keys = [text_key(text) for text in texts]
        if not keys:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        vectors, found = cache.fetch(keys)
        missing = {key: text for key, text, hit in zip(keys, texts, found, strict=True) if not hit}
        if not missing:
            return vectors
        self._compute(missing, cache, on_progress)
        vectors, _ = cache.fetch(keys)
        return vectors

    def _compute(self, missing: dict[str, str], cache: EmbeddingCache, on_progress: Progress | None) -> None:
        """Encode in chunks of similar length; every chunk is on disk before the next starts."""
        order = sorted(missing, key=lambda key: (len(missing[key]), key))
        for start in range(0, len(order), self._chunk):
            chunk = order[start : start + self._chunk]
            cache.add(chunk, self.encode([missing[key][:MAX_CHARACTERS] for key in chunk]))
            if on_progress is not None:
                on_progress(min(start + self._chunk, len(order)), len(order))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts without any cache, at full precision. Raises KeyError for a name no encoder has."""
        if self._encode is None:
            # Two CPU-seconds of import: only here, and only when a text has to be computed.
            from ml.text.encoders import MiniLM, backend_of

            self._encode = MiniLM(backend_of(self.model_id))
        return self._encode(texts)


def as_unit(vectors: NDArray[Any]) -> Vectors:
    """Rows scaled to length one (a zero row stays zero), float32."""
    values = np.asarray(vectors, dtype=np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(length, np.float32(1e-12)), dtype=np.float32)
