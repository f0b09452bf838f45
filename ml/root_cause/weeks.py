"""Drift week by week, from the scores of a classification.

Belongs here: which texts are the reference, cutting time into weeks, and the labels that arrived. Not here: the measures
(`drift.py`).

The reference is the first eight weeks the model in use scores; weeks after it are held against them. A week that has not
ended yet is left out: its first days are not what a week is like.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from ml.outputs import DRIFT
from ml.root_cause import drift
from ml.root_cause.bench import Workbench
from ml.root_cause.drift import Batch, Labelled
from ml.root_cause.labels import audit_slice
from ml.root_cause.rows import Rows
from ml.root_cause.scoring import CauseScore

REFERENCE_WEEKS = 8
# The newest weeks are watched; older ones were told in their time.
WATCHED_WEEKS = 8


def drift_by_week(rows: Rows, scores: Mapping[str, CauseScore], model_id: str | None, bench: Workbench) -> pa.Table:
    """Measures of the newest full weeks (schema `ml_root_cause__drift`); empty without a model or a reference."""
    if model_id is None or bench.at is None:
        return DRIFT.empty_table()
    weeks = _weeks(rows, bench.at)
    names = sorted(weeks)
    reference = [row for week in names[:REFERENCE_WEEKS] for row in weeks[week]]
    watched = names[REFERENCE_WEEKS:][-WATCHED_WEEKS:]
    if not reference or not watched:
        return DRIFT.empty_table()
    first = _batch(rows, reference, scores, bench)
    judged = _judged(rows, scores)
    return drift.table(
        {week: drift.measure(first, _batch(rows, weeks[week], scores, bench), judged.get(week)) for week in watched},
        model_id,
    )


def _weeks(rows: Rows, at: datetime) -> dict[date, list[int]]:
    """Rows by the Monday of their week, of weeks that have ended."""
    weeks: dict[date, list[int]] = defaultdict(list)
    for row, moment in enumerate(rows.occurred):
        weeks[_monday(moment)].append(row)
    return {week: own for week, own in weeks.items() if week + timedelta(days=7) <= at.astimezone(UTC).date()}


def _monday(moment: float) -> date:
    day = datetime.fromtimestamp(moment, UTC).date()
    return day - timedelta(days=day.weekday())


def _batch(rows: Rows, places: Sequence[int], scores: Mapping[str, CauseScore], bench: Workbench) -> Batch:
    some = rows.take(places)
    own = [scores[signal_id] for signal_id in some.ids]
    return Batch(
        causes=[score.model_cause_id for score in own],
        confidences=[score.model_confidence for score in own],
        topics=[score.topic_id for score in own],
        languages=some.column("language"),
        vectors=bench.embed(some.texts),
    )


def _judged(rows: Rows, scores: Mapping[str, CauseScore]) -> dict[date, Labelled]:
    """What reviewers said of the audit, by the week of the text."""
    if "audit_inclusion" not in rows.table.column_names:
        return {}
    slice_ = audit_slice(rows.table)
    found: dict[date, list[tuple[bool, float]]] = defaultdict(list)
    for row, value in zip(slice_.rows, slice_.values, strict=True):
        score = scores[rows.ids[row]]
        found[_monday(rows.occurred[row])].append((score.model_cause_id == value, score.model_confidence or 0.0))
    return {week: Labelled([right for right, _ in own], [sure for _, sure in own]) for week, own in found.items()}
