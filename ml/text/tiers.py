"""Which encoder a run uses: the exact one while its time is affordable, else a student fitted on the company's texts.

Belongs here: the choice and what it needs (a calibration, a fitted student). Not here: how either encodes (`encoders.py`,
`student.py`) and the cache (`embed.py`).

A choice holds for all texts of an index: vectors of an exact backend and of a student must never be compared, and a model
trained on one is not for the other (`Embedder.space` tells). So `auto` never goes back from a student by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ml.store import ModelStore
from ml.text.calibration import Calibration, calibrated, recorded
from ml.text.embed import MINILM, Embedder, EmbeddingCache, Encode, Progress, text_key
from ml.text.student import (
    FEWEST_TEACHER_TEXTS,
    KIND,
    MOST_TEACHER_TEXTS,
    Student,
    fit_student,
    load_student,
    require_enough,
)

log = logging.getLogger(__name__)

Tier = Literal["auto", "exact", "static"]

# A student writes 100,000 vectors in a second; a shard for every 512 of them would be merged more than written.
_STATIC_CHUNK = 16_384


def embedder_for(
    store: ModelStore,
    folder: Path,
    texts: Sequence[str],
    *,
    tier: Tier = "auto",
    budget_seconds: float = 600.0,
    refit_student: bool = False,
    encode: Encode | None = None,
    on_progress: Progress | None = None,
) -> Embedder:
    """The encoder for `texts`, all the texts a run may ask for; `folder` holds the caches, one folder per model id.

    `exact` and `static` are what they say. `auto` is exact unless the distinct texts its cache lacks would take more than
    `budget_seconds` of wall time at the calibrated speed, or a student is in use already. A student that is
    needed and not there is fitted on at most 8,000 of the texts (as many as half the budget affords, at least 1,000),
    whose exact vectors are cached for good. `encode` replaces MiniLM, for tests (nothing
    is measured then). Raises TooFewTexts for `static` below
    1,000 distinct texts; `auto` stays exact there.
    """
    distinct = list(dict.fromkeys(texts))
    calibration = recorded(store) if encode else _calibration(store, folder, distinct)
    exact = _exact(calibration, encode)
    if tier == "exact":
        return _told(exact, "exact was asked for")
    student = _stored(store)
    if student is not None and not refit_student:
        return _static(student, "a student is in use" if tier == "auto" else "static was asked for")
    why = "static was asked for"
    if tier == "auto" and student is None:
        missing = _missing(distinct, folder, exact.model_id)
        seconds = calibration.seconds_for(missing) if calibration else 0.0
        if seconds <= budget_seconds:
            return _told(exact, f"{len(missing):,} new texts take about {seconds:,.0f} s of {budget_seconds:,.0f} s")
        why = f"{len(missing):,} new texts would take about {seconds:,.0f} s, more than {budget_seconds:,.0f} s"
        if len(distinct) < FEWEST_TEACHER_TEXTS:
            return _told(exact, f"{why}, but {len(distinct)} texts are too few for a student")
    fitted = _fitted(distinct, folder, exact, _affordable(distinct, calibration, budget_seconds), on_progress)
    store.save(KIND, fitted.model_id, fitted.files())
    store.promote(KIND, fitted.model_id)
    return _static(fitted, why)


def _calibration(store: ModelStore, folder: Path, distinct: Sequence[str]) -> Calibration | None:
    """Measured at the first load that has something to compute: an installation that started small and stays in single
    precision with everything cached is left in peace."""
    if recorded(store) is None:
        return calibrated(store, _missing(distinct, folder, MINILM))
    return calibrated(store, distinct)


def _exact(calibration: Calibration | None, encode: Encode | None) -> Embedder:
    if calibration is None:
        return Embedder(MINILM, encode, reason="single precision: too little new text to calibrate with")
    return Embedder(calibration.backend.model_id, encode, reason=f"{calibration.chosen}: {calibration.reason}")


def _told(embedder: Embedder, why: str) -> Embedder:
    embedder.reason = f"{why}; {embedder.reason}"
    log.info("texts are embedded by %s: %s", embedder.model_id, embedder.reason)
    return embedder


def _static(student: Student, why: str) -> Embedder:
    told = student.fidelity
    reason = (
        f"cosine to {student.teacher} {told.mean:.3f} [{told.low:.3f}, {told.high:.3f}] on {told.texts} other texts"
    )
    return _told(Embedder(student.model_id, student, chunk=_STATIC_CHUNK, reason=reason), why)


def _stored(store: ModelStore) -> Student | None:
    """The student in use; None when there is none or it is of an older shape."""
    stored = store.active(KIND)
    try:
        return load_student(stored) if stored else None
    except (KeyError, TypeError):
        log.warning("the student %s is of another shape and is fitted anew", stored.model_id if stored else "")
        return None


def _missing(distinct: Sequence[str], folder: Path, model_id: str) -> list[str]:
    """Texts the cache of a model lacks."""
    if not (folder / model_id).is_dir():
        return list(distinct)
    found = EmbeddingCache(folder, model_id).contains([text_key(text) for text in distinct])
    return [text for text, hit in zip(distinct, found, strict=True) if not hit]


def _affordable(distinct: Sequence[str], calibration: Calibration | None, budget_seconds: float) -> int:
    """Teacher texts whose exact vectors take at most half the budget, within the student's limits."""
    if calibration is None:
        return MOST_TEACHER_TEXTS
    each = calibration.seconds_for(distinct) / max(len(distinct), 1)
    return max(FEWEST_TEACHER_TEXTS, min(MOST_TEACHER_TEXTS, int(budget_seconds / 2 / max(each, 1e-9))))


def _fitted(distinct: Sequence[str], folder: Path, exact: Embedder, most: int, on_progress: Progress | None) -> Student:
    """A student of texts drawn by their hash: a fair sample that the same texts always give."""
    require_enough(len(distinct))
    chosen = sorted(distinct, key=text_key)[:most]
    vectors = exact.embed(chosen, EmbeddingCache(folder, exact.model_id), on_progress=on_progress)
    return fit_student(chosen, vectors, teacher=exact.model_id)
