"""What people say a signal is about: questions, allowed answers, whose word it was, and which words may train a model.

Belongs here: the vocabulary of labels and their pure rules. Not here: storing them (`cases/labels.py`), which signals are
asked about (`ml/root_cause/review.py`), whose word counts when people disagree (dbt, `int_signal_label`).

A label is never changed: a person who thinks again gives another one that names the first (`supersedes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args

Question = Literal["cause", "severity", "sentiment", "kind", "theme", "is_valid"]
Basis = Literal["closure", "voice_of_employee", "qa_review", "invalid", "review"]
QUESTIONS: tuple[Question, ...] = get_args(Question)
BASES: tuple[Basis, ...] = get_args(Basis)
# The answer of a person who read the text and finds none of the programme's causes in it.
NO_CAUSE = "none"
# One in ten items is given to a second person: enough to follow agreement, cheap enough to go on for ever.
SECOND_SHARE = 0.1
# Share of texts that are only ever used to judge models. They are labelled in review and train none.
AUDIT_RATE = 0.05

# Bases of `int_signal_label` that may reach a training. A model's own output has no basis and is in none of them.
TRAINING_BASES: frozenset[str] = frozenset({"review", "qa_review", "case_owner", "resolution", "reason_code"})

_CHOICES: dict[str, tuple[str, ...]] = {
    "severity": ("1", "2", "3", "4"),
    "sentiment": ("negative", "neutral", "positive"),
    "kind": ("problem", "suggestion", "praise", "other"),
    "is_valid": ("yes", "no"),
}
_THEME = re.compile(r"T-[0-9a-f]{8}")


class NotTrainable(ValueError):
    """A label whose basis is not on the list was about to train a model."""


@dataclass(frozen=True, slots=True)
class Label:
    """One answer of one person about one signal. `value` is None where the person could not say. `at` is UTC.

    `reason`, `inclusion` (probability of having been drawn for the audit), `model_value`, `model_confidence` and
    `model_id` say why the signal was asked about and what the model thought then; None for answers nobody asked for.
    `version` is the programme in force. `text_hash` names the wording that was read; None stands for any.
    """

    label_id: str
    signal_id: str
    question: Question
    value: str | None
    basis: Basis
    labeller: str | None
    at: datetime
    case_id: str | None = None
    text_hash: str | None = None
    version: str | None = None
    supersedes: str | None = None
    reason: str | None = None
    inclusion: float | None = None
    model_value: str | None = None
    model_confidence: float | None = None
    model_id: str | None = None


def options(question: str, causes: Sequence[str]) -> tuple[str, ...]:
    """Answers a question allows; for `theme` none are listed, because any registered id is one."""
    return (*causes, NO_CAUSE) if question == "cause" else _CHOICES.get(question, ())


def check_value(question: str, value: str | None, causes: Sequence[str]) -> None:
    """Raise `ValueError` when a value is no answer to the question. None (cannot say) answers every question.

    The message never repeats what was answered.
    """
    if question not in QUESTIONS:
        raise ValueError(f"there is no such question; there are {', '.join(QUESTIONS)}")
    if value is None:
        return
    if question == "theme":
        if not _THEME.fullmatch(value):
            raise ValueError("a theme is named by its id, T- and eight hexadecimal digits")
    elif value not in options(question, causes):
        raise ValueError(f"not an answer to {question}; there are {', '.join(options(question, causes))}")


def labellers_wanted(signal_id: str, question: str, second_share: float = SECOND_SHARE) -> int:
    """How many people are asked: two for a fixed share of the items, by hash: the same whoever asks and when."""
    return 2 if _point(signal_id, question, "second") < second_share else 1


def audit_point(text_hash: str, question: str) -> float:
    """A permanent random number in [0, 1) of a text: the audit holds the texts below its rate (Ohlsson 1995).

    It depends on nothing a model says and on nothing else in the queue, and all copies of a text share it.
    """
    return _point(text_hash, question, "audit")


def in_audit(text_hash: str | None, question: str, rate: float = AUDIT_RATE) -> bool:
    """Whether a text is kept for judging models; a signal without a text is not."""
    return text_hash is not None and audit_point(text_hash, question) < rate


def _point(subject: str, question: str, purpose: str) -> float:
    return int.from_bytes(sha256(f"{subject}|{question}|{purpose}".encode()).digest()[:7], "big") / 2**56


def answered_enough(labels: Iterable[Label]) -> set[tuple[str, str]]:
    """(signal, question) pairs nobody more need be asked about, from answers given in review.

    Enough are the people wanted; where one of them could not say, one more is asked, and then no more.
    """
    told: dict[tuple[str, str], dict[str | None, bool]] = {}
    for label in labels:
        told.setdefault((label.signal_id, label.question), {})[label.labeller] = label.value is not None
    enough = set()
    for (signal_id, question), people in told.items():
        wanted = labellers_wanted(signal_id, question)
        if sum(people.values()) >= wanted or len(people) > wanted:
            enough.add((signal_id, question))
    return enough


def check_training_bases(bases: Iterable[str | None]) -> None:
    """Raise `NotTrainable` unless every basis is on the list. Call it with the basis of each label that would train."""
    odd = sorted({str(basis) for basis in bases} - TRAINING_BASES)
    if odd:
        raise NotTrainable(f"labels of these bases may not train: {', '.join(odd)}")
