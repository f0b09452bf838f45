"""The queue of review as people work it: what waits, the words to read, keeping an answer, and how the work stands.

Belongs here: joining queue, words and answers for one person. Not here: which signals are asked about
(`ml/root_cause/review.py`), what may be answered (`models/label.py`), storing (`cases/labels.py`), agreement (`ml/`).

What the model thinks is told after the answer and never before: people who see a suggestion tend to agree with it, and
their answers would then judge the model kindly. The words shown are those redacted at the door.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cases import labels, services
from casework.engine import Engine
from models.access import Reach
from models.label import Label, Question, answered_enough, check_value, labellers_wanted, options
from models.settings import Settings

if TYPE_CHECKING:
    from cases.labels import LabelExport

QUEUE = "ml_root_cause__review.parquet"
EVIDENCE = "int_signal.parquet"
_WORDS = ("signal_id", "text", "text_hash", "occurred_at", "source", "signal_kind", "language", "channel", "product",
          "branch_id", "region", "score_metric", "score_value")  # fmt: skip


class UnknownSignal(LookupError):
    """There is no such signal with a text, or it may not be seen: nobody learns which."""


@dataclass(frozen=True, slots=True)
class Item:
    """One signal to be looked at. `people` have answered of the `wanted`; `words` are columns of the evidence."""

    review_id: str
    signal_id: str
    question: Question
    reason: str
    priority: float
    people: int
    wanted: int
    words: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A kept answer, and what the model had thought: shown only now."""

    label: Label
    model_value: str | None
    model_confidence: float | None
    model_agrees: bool | None


def waiting(
    engine: Engine,
    who: str,
    *,
    question: str | None = None,
    limit: int = 20,
    reach: Sequence[Reach] | None = None,
) -> list[Item]:
    """What waits for this person, most urgent first; without `reach` everything is in sight.

    Items leave when enough people have answered; nobody is asked the same twice. Empty before the first queue was made.
    """
    rows = [row for row in _queue(engine.settings) if question is None or row["question"] == question]
    rows.sort(key=lambda row: (-row["priority"], row["review_id"]))
    answers = _answers()
    closed = answered_enough(label for given in answers.values() for label in given)
    open_rows = [
        row
        for row in rows
        if (row["signal_id"], row["question"]) not in closed
        and who not in {label.labeller for label in answers.get((row["signal_id"], row["question"]), ())}
    ]
    words = _words(engine.settings, [row["signal_id"] for row in open_rows])
    seen = [row for row in open_rows if _in_sight(words.get(row["signal_id"]), reach)]
    return [_item(row, words[row["signal_id"]], answers) for row in seen[:limit]]


def show(engine: Engine, signal_id: str, *, reach: Sequence[Reach] | None = None) -> dict[str, Any]:
    """The words of a signal and what is known beside them. Raises `UnknownSignal`."""
    words = _words(engine.settings, [signal_id]).get(signal_id)
    if words is None or not _in_sight(words, reach):
        raise UnknownSignal(signal_id)
    return words


def answers_allowed(engine: Engine, question: str) -> tuple[str, ...]:
    """What may be answered, by the programme in force."""
    return options(question, _causes(engine))


def label(
    engine: Engine,
    signal_id: str,
    question: Question,
    value: str | None,
    *,
    who: str,
    is_quality_review: bool = False,
    reach: Sequence[Reach] | None = None,
) -> Told:
    """Keep a person's answer (None: could not say) with why it was asked and what the model thought.

    Raises `UnknownSignal`, and `ValueError` for a value that is no answer to the question.
    """
    check_value(question, value, _causes(engine))
    words = show(engine, signal_id, reach=reach)
    row = next((r for r in _queue(engine.settings) if (r["signal_id"], r["question"]) == (signal_id, question)), None)
    asked = None if row is None else labels.Asked(
        row["reason"], row["inclusion"], row["model_value"], row["model_confidence"], row["model_id"]
    )  # fmt: skip
    kept = labels.give(
        signal_id, question, value, basis="qa_review" if is_quality_review else "review", labeller=who, at=engine.at,
        recorded_at=engine.recorded_at, text_hash=words["text_hash"], version=engine.version, asked=asked,
    )  # fmt: skip
    agrees = None if value is None or kept.model_value is None else kept.model_value == value
    return Told(kept, kept.model_value, kept.model_confidence, agrees)


def stats(engine: Engine) -> dict[str, Any]:
    """How the work stands: what waits by reason, answers by question and basis, how many people, how many audited."""
    rows = _queue(engine.settings)
    given = labels.standing(labels.reviewed())
    closed = answered_enough(given)
    open_rows = [row for row in rows if (row["signal_id"], row["question"]) not in closed]
    from_cases = labels.of_cases(cause_questions(engine))
    return {
        "waiting": dict(sorted(Counter(f"{row['question']}: {row['reason']}" for row in open_rows).items())),
        "answers": dict(sorted(Counter(f"{item.question}: {item.basis}" for item in [*given, *from_cases]).items())),
        "could_not_say": sum(item.value is None for item in given),
        "people": len({item.labeller for item in given}),
        "audit_answers": sum(item.inclusion is not None and item.value is not None for item in given),
        "answered_twice": sum(n >= 2 for n in Counter((item.signal_id, item.question) for item in given).values()),
    }


def answered(question: Question) -> set[str]:
    """Signals that enough people have answered this question about."""
    given = labels.standing(labels.reviewed(question))
    return {signal_id for signal_id, asked in answered_enough(given) if asked == question}


def cause_questions(engine: Engine) -> tuple[str, ...]:
    """Codes of the questionnaire whose answer is a cause."""
    return tuple(question.code for question in engine.programme.questionnaire.questions if question.kind == "cause")


def write_labels(engine: Engine) -> LabelExport:
    """Bring the warehouse's copy of all labels up to date; its digest changes when a label does."""
    return services.export_labels(engine.settings, cause_questions(engine))


def _causes(engine: Engine) -> list[str]:
    return [cause.id for cause in engine.programme.taxonomy.causes]


def _queue(settings: Settings) -> list[dict[str, Any]]:
    path = settings.ml_outputs / QUEUE
    return pq.read_table(path).to_pylist() if path.exists() else []


def _answers() -> dict[tuple[str, str], list[Label]]:
    found: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for item in labels.standing(labels.reviewed()):
        found[item.signal_id, item.question].append(item)
    return found


def _words(settings: Settings, signal_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Text and context of signals by id; those without a text are left out."""
    path, wanted = settings.handoff / EVIDENCE, sorted(set(signal_ids))
    if not path.exists() or not wanted:
        return {}
    names = [name for name in _WORDS if name in pq.read_schema(path).names]
    table: pa.Table = pq.read_table(path, columns=names, filters=[("signal_id", "in", wanted)])
    return {row["signal_id"]: row for row in table.to_pylist() if row["text"]}


def _in_sight(words: dict[str, Any] | None, reach: Sequence[Reach] | None) -> bool:
    """Whether a signal is within reach: by its branch, or its region where it has none, at the time it came."""
    if words is None or reach is None:
        return words is not None
    at: datetime = words["occurred_at"]
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    place = {"branch": words.get("branch_id"), "region": words.get("region")}
    return any(found.covers(owner=None, team=None, opened_at=at, **place) for found in reach)


def _item(row: dict[str, Any], words: dict[str, Any], answers: dict[tuple[str, str], list[Label]]) -> Item:
    key = (row["signal_id"], row["question"])
    return Item(
        row["review_id"], row["signal_id"], row["question"], row["reason"], row["priority"],
        len({label.labeller for label in answers.get(key, ())}), labellers_wanted(*key), words,
    )  # fmt: skip
