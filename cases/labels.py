"""Labels of signals: what people said in review, and what closings, questionnaires and invalid cases say.

Belongs here: keeping answers given in review, reading all labels as one list, and the Parquet copy the warehouse reads.
Not here: what may be answered (`models/label.py`), whose word counts (dbt). Only review answers are stored: the others
are in the chain and in the questionnaires already, and are read from there each time.

A closing is a label only where the person named a cause in it. The cause a case was opened with may be a model's, and a
person who settles the case without a word about it has not confirmed it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from cases.chain import hash_fields, stamp
from cases.db import read_snapshot, write_transaction
from cases.models import Answer, CaseEvent, CaseTrigger
from cases.models import Label as LabelRow
from models.case import EventKind
from models.label import Basis, Label, Question

_UTC = pa.timestamp("us", "UTC")
_TYPES = {"at": _UTC, "inclusion": pa.float64(), "model_confidence": pa.float64()}
SCHEMA = pa.schema([(field.name, _TYPES.get(field.name, pa.string())) for field in fields(Label)])


@dataclass(frozen=True, slots=True)
class Asked:
    """Why a signal was asked about, and what the model thought of it then."""

    reason: str
    inclusion: float | None = None
    model_value: str | None = None
    model_confidence: float | None = None
    model_id: str | None = None


def give(
    signal_id: str,
    question: Question,
    value: str | None,
    *,
    basis: Basis,
    labeller: str,
    at: datetime,
    recorded_at: datetime,
    text_hash: str | None = None,
    version: str | None = None,
    asked: Asked | None = None,
) -> Label:
    """Keep an answer; None is "cannot say". The same answer again gives the one there is, another one supersedes it.

    What was answered is checked by the caller (`models.label.check_value`). Raises `ValueError` for a time without a
    zone.
    """
    if at.tzinfo is None:
        raise ValueError("a label is given at a time with a time zone")
    with write_transaction():
        before = _newest_of(signal_id, question, labeller)
        if before is not None and (before.value, before.text_hash) == (value, text_hash):
            return before
        label_id = hash_fields(signal_id, question, labeller, value or "", stamp(at), before.label_id if before else "")
        why = {} if asked is None else asdict(asked)
        label = Label(
            label_id, signal_id, question, value, basis, labeller, at, text_hash=text_hash, version=version,
            supersedes=before.label_id if before else None, **why,
        )  # fmt: skip
        told = {name: said for name, said in asdict(label).items() if name != "case_id"}
        LabelRow.objects.create(recorded_at=recorded_at, **told)
        return label


def reviewed(question: Question | None = None) -> list[Label]:
    """Answers given in review, superseded ones too, in the order they were given."""
    rows = LabelRow.objects.order_by("id")
    return [_of_row(row) for row in (rows if question is None else rows.filter(question=question))]


def standing(labels: Iterable[Label]) -> list[Label]:
    """Those of the labels that no later one supersedes."""
    found = list(labels)
    gone = {label.supersedes for label in found if label.supersedes is not None}
    return [label for label in found if label.label_id not in gone]


def of_cases(cause_questions: Sequence[str] = ("cause",)) -> list[Label]:
    """What cases say of the signals that opened or joined them: causes of closings and questionnaires, invalid cases.

    Only moves of people count, and only signals there were by then; triggers without a signal (surges) get none.
    `cause_questions` are the codes of the questionnaire whose answer is a cause. A questionnaire's label names nobody:
    answers are about the employer and are shown only counted (`models/questionnaire.py`).
    """
    with read_snapshot():
        said = [*_closings(), *_voices(cause_questions), *_invalid()]
        signals = _signals({item.case_id for item in said})
    labels = [
        Label(hash_fields(item.key, signal_id, item.question), signal_id, item.question, item.value, item.basis,
              item.labeller, item.at, case_id=item.case_id)
        for item in said
        for signal_id in sorted({name for name, seen_at in signals[item.case_id] if seen_at <= item.at})
    ]  # fmt: skip
    return sorted(labels, key=_order)


@dataclass(frozen=True, slots=True)
class _Said:
    key: str
    case_id: str
    question: Question
    value: str
    basis: Basis
    labeller: str | None
    at: datetime


def _closings() -> list[_Said]:
    found = []
    for case_id, by, at, key, payload in _by_people(EventKind.CLOSED, payload__contains='"cause_id"'):
        cause = json.loads(payload).get("cause_id")
        if isinstance(cause, str) and cause:
            found.append(_Said(key, case_id, "cause", cause, "closure", by, at))
    return found


def _invalid() -> list[_Said]:
    return [
        _Said(key, case_id, "is_valid", "no", "invalid", by, at)
        for case_id, by, at, key, _ in _by_people(EventKind.INVALIDATED)
    ]


def _by_people(kind: EventKind, **more: str) -> list[tuple[str, str, datetime, str, str]]:
    """Case, person, moment, hash and payload of the moves of a kind that people made."""
    events = CaseEvent.objects.filter(kind=kind, actor_type="person", **more).order_by("event_id")
    return list(events.values_list("case_id", "actor_id", "occurred_at", "hash", "payload"))


def _voices(questions: Sequence[str]) -> list[_Said]:
    found = []
    for row in Answer.objects.exclude(answered_at=None).order_by("id"):
        answers: Mapping[str, Any] = json.loads(row.answers or "{}")
        cause = next((answers[code] for code in questions if answers.get(code)), None)
        if isinstance(cause, str) and row.answered_at is not None:
            key = f"answer {row.pk} {stamp(row.asked_at)}"
            found.append(_Said(key, row.case_id, "cause", cause, "voice_of_employee", None, row.answered_at))
    return found


def _signals(case_ids: set[str]) -> dict[str, list[tuple[str, datetime]]]:
    found: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    if case_ids:
        rows = CaseTrigger.objects.filter(signal_id__isnull=False).order_by("id")
        for case_id, signal_id, at in rows.values_list("case_id", "signal_id", "occurred_at").iterator():
            if case_id in case_ids and signal_id is not None:
                found[case_id].append((signal_id, at))
    return found


def all_labels(cause_questions: Sequence[str] = ("cause",)) -> list[Label]:
    """Every label there is, oldest first."""
    with read_snapshot():
        return sorted([*of_cases(cause_questions), *reviewed()], key=_order)


def _order(label: Label) -> tuple[datetime, str]:
    return label.at, label.label_id


@dataclass(frozen=True, slots=True)
class LabelExport:
    """The Parquet copy: how many labels it holds, whether it changed, and a digest of what it says."""

    labels: int
    is_new: bool
    digest: str


def export(folder: Path, labels: Sequence[Label]) -> LabelExport:
    """Write the labels as `<folder>/labels.parquet`, whole and in one step; equal labels leave the file alone."""
    table = pa.Table.from_pylist([asdict(label) for label in labels], schema=SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    content, target = buffer.getvalue(), folder / "labels.parquet"
    is_new = not target.exists() or target.read_bytes() != content
    if is_new:
        folder.mkdir(parents=True, exist_ok=True)
        aside = target.with_suffix(".tmp")
        aside.write_bytes(content)
        aside.replace(target)
    return LabelExport(len(labels), is_new, hashlib.sha256(content).hexdigest())


def ensure_export(folder: Path) -> None:
    """An empty copy where there is none yet, so that the warehouse never meets a gap."""
    if not (folder / "labels.parquet").exists():
        export(folder, ())


def _newest_of(signal_id: str, question: str, labeller: str) -> Label | None:
    rows = LabelRow.objects.filter(signal_id=signal_id, question=question, labeller=labeller)
    row = rows.order_by("-id").first()
    return None if row is None else _of_row(row)


def _of_row(row: LabelRow) -> Label:
    return Label(
        row.label_id, row.signal_id, cast(Question, row.question), row.value, cast(Basis, row.basis), row.labeller,
        row.at, text_hash=row.text_hash, version=row.version, supersedes=row.supersedes, reason=row.reason,
        inclusion=row.inclusion, model_value=row.model_value, model_confidence=row.model_confidence,
        model_id=row.model_id,
    )  # fmt: skip
