"""Cause and topic of every text about a failure, keeping what was scored before by the same models on the same evidence.

Belongs here: scores of the cause and the topic model, and what may be kept. Not here: the models, or reading feeling and
gravity (`reading.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ml.root_cause.bench import Workbench
from ml.root_cause.failure import failure_type_shares
from ml.root_cause.fitting import Fitted, cause_shares
from ml.root_cause.rows import Rows
from ml.root_cause.topics import assign
from ml.text.embed import Vectors, as_unit

# Below this cosine to every topic a text belongs to none.
NEAR_ENOUGH = 0.15
_CHUNK = 8_192


class CauseScore(NamedTuple):
    """What the models say of one text; fields are columns of `ml_root_cause__prediction`."""

    model_cause_id: str | None = None
    model_confidence: float | None = None
    cause_set: list[str] | None = None
    unsure: str | None = None
    is_automatic: bool | None = None
    model_failure_type: str | None = None
    failure_type_confidence: float | None = None
    topic_id: int | None = None
    topic_nearness: float | None = None


UNKNOWN = CauseScore()


def cause_scores(
    rows: Rows, bench: Workbench, models: Fitted, types: Mapping[str, str], previous: pa.Table | None
) -> tuple[dict[str, CauseScore], int]:
    """Scores by signal id, and how many had to be computed. `types` maps cause to failure type."""
    known = _known(previous, models)
    result: dict[str, CauseScore] = {}
    fresh: list[int] = []
    for row, key in enumerate(zip(rows.ids, rows.evidence_keys(), strict=True)):
        old = known.get(key)
        if old is None:
            fresh.append(row)
        else:
            result[key[0]] = old
    for begin in range(0, len(fresh), _CHUNK):
        chunk = fresh[begin : begin + _CHUNK]
        scores = _scored(rows, chunk, bench, models, types)
        result.update((rows.ids[row], score) for row, score in zip(chunk, scores, strict=True))
    return result, len(fresh)


def _known(previous: pa.Table | None, models: Fitted) -> dict[tuple[str, str], CauseScore]:
    """Earlier scores made by exactly these two models, by signal and evidence."""
    if previous is None or previous.num_rows == 0:
        return {}
    names = ("signal_id", "evidence_key", "model_id", "topic_model_id", *CauseScore._fields)
    columns = previous.select(list(names)).to_pydict()
    return {
        (signal_id, key): CauseScore(*score)
        for signal_id, key, model_id, topic_model_id, *score in zip(*columns.values(), strict=True)
        if key is not None and (model_id, topic_model_id) == models.ids
    }


def _scored(
    rows: Rows, places: Sequence[int], bench: Workbench, models: Fitted, types: Mapping[str, str]
) -> list[CauseScore]:
    """Scores of the given rows; without any model nothing is embedded."""
    scores = [UNKNOWN] * len(places)
    if models.causes is not None:
        scores = _causes(rows, places, bench, models, types)
    if models.themes is None:
        return scores
    labels, nearness = topics_of(bench.embed([rows.texts[row] for row in places]), models.themes.centroids)
    return [
        score._replace(topic_id=int(label), topic_nearness=near) if near >= NEAR_ENOUGH else score
        for score, label, near in zip(scores, labels, nearness, strict=True)
    ]


def topics_of(vectors: Vectors, centroids: Vectors) -> tuple[list[int], list[float]]:
    """Nearest topic of each vector, and the cosine to four digits."""
    labels, _ = assign(vectors, centroids)
    # Row by row in double precision: in a matrix product the fourth digit depended on the texts scored beside it.
    cosine = np.einsum("ij,ij->i", as_unit(vectors).astype(np.float64), centroids[labels].astype(np.float64))
    return labels.tolist(), [round(float(near), 4) for near in cosine]


def _causes(
    rows: Rows, places: Sequence[int], bench: Workbench, models: Fitted, types: Mapping[str, str]
) -> list[CauseScore]:
    model = models.causes
    assert model is not None, "asked for with a model only"
    shares = cause_shares(model, rows, places, bench)
    causes, confidence = model.decide(shares)
    names, by_type = failure_type_shares(shares, model.causes, types)
    best = by_type.argmax(axis=1)
    columns = zip(
        causes,
        (float(share) for share in confidence),
        (list(own) for own in model.sets(shares)),
        model.unsure(shares),
        model.is_automatic(shares),
        (names[int(place)] for place in best),
        (round(float(by_type[row, place]), 6) for row, place in enumerate(best)),
        strict=True,
    )
    return [CauseScore(*column) for column in columns]
