"""A trained cause classifier: how it scores, what it would rather leave to people, and its files.

Belongs here: the model as others use it. Not here: training and judging it (`classifier.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.root_cause import conformal
from ml.root_cause.calibration import Calibration
from ml.root_cause.examples import Floats, Notes
from ml.root_cause.fusion import CodeModel, Opinion, Pool
from ml.root_cause.kernel import KernelModel, Terms
from ml.store import ModelRefused, StoredModel, dump_array, dump_json
from ml.text.embed import Vectors
from ml.text.tfidf import load_tfidf, tfidf_files

# Part of the model id: raise it when the same data and parameters would give another model.
CODE_VERSION = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """Calibrated probabilities of causes from one kind of text."""

    kernel: KernelModel
    calibration: Calibration

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> Floats:
        """Probabilities (texts, causes)."""
        return self.calibration.probabilities(self.kernel.scores(texts, vectors))

    def files(self, name: str) -> dict[str, bytes]:
        """Its arrays and vectorisers for the store, each file name led by `name`."""
        return {
            **tfidf_files(f"{name}-words", self.kernel.terms.words),
            **tfidf_files(f"{name}-letters", self.kernel.terms.letters),
            f"{name}-support.npy": dump_array(self.kernel.support.astype(np.float16)),
            f"{name}-dual.npy": dump_array(self.kernel.dual),
            f"{name}-weights.npy": dump_array(self.kernel.weights),
            f"{name}-bias.npy": dump_array(self.kernel.bias),
            f"{name}-calibration.json": dump_json({"slope": self.calibration.slope, "curve": self.calibration.curve}),
        }


def _reader(stored: StoredModel, name: str) -> Reader:
    meant = stored.json(f"{name}-calibration.json")
    kernel = KernelModel(
        Terms(load_tfidf(stored, f"{name}-words"), load_tfidf(stored, f"{name}-letters")),
        support=stored.array(f"{name}-support.npy").astype(np.float32),
        dual=stored.array(f"{name}-dual.npy"),
        weights=stored.array(f"{name}-weights.npy"),
        bias=stored.array(f"{name}-bias.npy"),
    )
    curve = meant["curve"]
    return Reader(kernel, Calibration(float(meant["slope"]), curve and (curve[0], curve[1], curve[2])))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What confidences mean: below `abstain_below` the cause is unknown; at `auto_from` and above nobody needs to look
    (None: never). `set_limits` is the probability with which each cause enters a set that misses `set_miss` of truths.
    """

    abstain_below: float
    auto_from: float | None
    set_limits: tuple[float, ...]
    set_miss: float


@dataclass(frozen=True, slots=True)
class CauseModel:
    """A classifier ready to score. Notes and codes count only where the model learnt what they are worth."""

    model_id: str
    causes: tuple[str, ...]
    text: Reader
    notes: Reader | None
    codes: CodeModel | None
    pool: Pool | None
    thresholds: Thresholds
    # When the newest of its training texts was written (seconds since 1970): later ones it has not seen.
    trained_until: float = 0.0

    @property
    def abstain_below(self) -> float:
        """The confidence under which it says nothing."""
        return self.thresholds.abstain_below

    def opinions(
        self,
        texts: Sequence[str],
        vectors: Vectors,
        *,
        notes: Notes | None = None,
        codes: Sequence[str | None] | None = None,
    ) -> dict[str, Opinion]:
        """What each source says on its own: `text`, `notes`, `codes`."""
        result = {"text": Opinion(self.text.probabilities(texts, vectors), np.ones(len(texts), dtype=bool))}
        if self.notes is not None and notes is not None:
            result["notes"] = read_notes(self.notes, notes, len(self.causes))
        if self.codes is not None and codes is not None:
            result["codes"] = self.codes.opinion(codes)
        return result

    def fuse(self, opinions: dict[str, Opinion]) -> Floats:
        """Probabilities (n, causes) from what the sources say."""
        if self.pool is None or set(opinions) == {"text"}:
            return opinions["text"].shares
        return self.pool.fuse(opinions)

    def probabilities(
        self,
        texts: Sequence[str],
        vectors: Vectors,
        *,
        notes: Notes | None = None,
        codes: Sequence[str | None] | None = None,
    ) -> Floats:
        """Calibrated probabilities (texts, causes), columns in the order of `causes`.

        Vectors are the sentence vectors (texts, 384) of the redacted texts. A code must not be the one that the cause
        of its signal is read off.
        """
        return self.fuse(self.opinions(texts, vectors, notes=notes, codes=codes))

    def predict(
        self,
        texts: Sequence[str],
        vectors: Vectors,
        *,
        notes: Notes | None = None,
        codes: Sequence[str | None] | None = None,
    ) -> tuple[list[str | None], Floats]:
        """Most likely cause per text, None where the model is too unsure, and the probability of the likeliest."""
        return self.decide(self.probabilities(texts, vectors, notes=notes, codes=codes))

    def decide(self, shares: Floats) -> tuple[list[str | None], Floats]:
        """`predict` from probabilities (n, causes) at hand."""
        if not len(shares):
            return [], np.zeros(0)
        confidence = np.round(shares.max(axis=1), 6)
        best, sure = shares.argmax(axis=1), confidence >= self.abstain_below
        return [self.causes[int(place)] if ok else None for place, ok in zip(best, sure, strict=True)], confidence

    def sets(self, shares: Floats) -> list[tuple[str, ...]]:
        """Causes that may be the true one per row of probabilities (n, causes), likeliest first; may be empty."""
        inside = conformal.members(shares, np.asarray(self.thresholds.set_limits))
        order = np.argsort(-shares, axis=1, kind="stable")
        return [
            tuple(self.causes[int(place)] for place in ranked if held[place])
            for ranked, held in zip(order, inside, strict=True)
        ]

    def unsure(self, shares: Floats) -> list[conformal.Unsure | None]:
        """Why a person should look at each row of probabilities, None where the model can be left alone."""
        inside = conformal.members(shares, np.asarray(self.thresholds.set_limits))
        return conformal.unsure(inside, shares.max(axis=1), self.abstain_below)

    def is_automatic(self, shares: Floats) -> list[bool]:
        """Whether each row of probabilities is sure enough to be routed without anybody's look."""
        border = self.thresholds.auto_from
        return [border is not None and share >= border for share in shares.max(axis=1).tolist()]

    def files(self) -> dict[str, bytes]:
        """The model as files for the store (no pickle)."""
        limits = self.thresholds
        about = {
            "causes": list(self.causes),
            "code_version": CODE_VERSION,
            "abstain_below": limits.abstain_below,
            "auto_from": limits.auto_from,
            "set_limits": list(limits.set_limits),
            "set_miss": limits.set_miss,
            "codes": None if self.codes is None else {code: list(own) for code, own in self.codes.shares.items()},
            "pool": None if self.pool is None else {"weights": dict(self.pool.weights), "base": list(self.pool.base)},
            "notes": self.notes is not None,
            "trained_until": self.trained_until,
        }
        own = {} if self.notes is None else self.notes.files("notes")
        return {"about.json": dump_json(about), **self.text.files("text"), **own}


def read_notes(reader: Reader, notes: Notes, causes: int) -> Opinion:
    """What notes say, row by row; rows without a note know nothing."""
    known = notes.known()
    shares = np.full((len(known), causes), 1 / causes)
    rows = np.flatnonzero(known)
    shares[rows] = reader.probabilities([notes.texts[row] or "" for row in rows.tolist()], notes.vectors[rows])
    return Opinion(shares, known)


def load_cause_model(stored: StoredModel) -> CauseModel:
    """The classifier of a checked stored model. Raises ModelRefused when it holds anything we do not trust, or was made
    by another version of this code."""
    about = stored.json("about.json")
    if about.get("code_version") != CODE_VERSION:
        raise ModelRefused(f"{stored.model_id}: made by version {about.get('code_version')} of the classifier")
    causes = tuple(about["causes"])
    codes, pool = about["codes"], about["pool"]
    return CauseModel(
        model_id=stored.model_id,
        causes=causes,
        text=_reader(stored, "text"),
        notes=_reader(stored, "notes") if about["notes"] else None,
        codes=codes and CodeModel({code: tuple(own) for code, own in codes.items()}, len(causes)),
        pool=pool and Pool(pool["weights"], tuple(pool["base"])),
        thresholds=Thresholds(
            abstain_below=float(about["abstain_below"]),
            auto_from=about["auto_from"],
            set_limits=tuple(about["set_limits"]),
            set_miss=float(about["set_miss"]),
        ),
        trained_until=float(about.get("trained_until", 0.0)),
    )
