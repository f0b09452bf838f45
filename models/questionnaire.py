"""What the owner of a closed case is asked, how often, and how the answers may be counted.

Belongs here: the typed questionnaire.yml, the sample, and counting that names nobody. Not here: storing questions and
answers (`cases/questionnaires.py`). Methods: Cohen's kappa with the large-sample standard error of Fleiss, Cohen and
Everitt (1969); cells below k are hidden, and one more when a hidden cell could be found by subtraction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from typing import Literal, Self

from pydantic import Field, model_validator

from models.routing import Strict

AnswerKind = Literal["cause", "scale", "choice", "text"]


class Question(Strict):
    """One question. `scale` runs from 1 to 5; `choice` needs options; `cause` is a cause of the taxonomy."""

    code: str
    title: str
    kind: AnswerKind
    options: tuple[str, ...] = ()
    required: bool = True

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if (self.kind == "choice") != bool(self.options):
            raise ValueError(f"{self.code}: a choice needs options, nothing else has them")
        return self

    def check(self, value: object) -> None:
        """Raise `ValueError` when a value is no answer to this question."""
        fits = {
            "scale": isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5,
            "choice": value in self.options,
            "cause": isinstance(value, str) and bool(value),
            "text": isinstance(value, str) and len(value) <= 2_000,
        }[self.kind]
        if not fits:
            raise ValueError(f"{self.code}: not an answer to this question")


class Questionnaire(Strict):
    """questionnaire.yml: the questions, the share of closings that is asked, and the most per owner and week."""

    questions: tuple[Question, ...] = Field(min_length=1)
    share: float = Field(default=0.2, ge=0, le=1)
    most_per_owner_week: int = Field(default=3, ge=0)
    smallest_cell: int = Field(default=5, ge=2)

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        codes = [question.code for question in self.questions]
        if len(set(codes)) != len(codes):
            raise ValueError("a question code is used twice")
        return self

    def is_sampled(self, case_id: str, closed_version: int) -> bool:
        """Whether this closing of a case is in the sample: the same answer however often it is asked."""
        point = int.from_bytes(sha256(f"{case_id}|{closed_version}|voice".encode()).digest()[:8], "big") / 2**64
        return point < self.share

    def check(self, answers: Mapping[str, object]) -> None:
        """Raise `ValueError` for an unknown question, an answer that does not fit, or a required one that is missing."""
        known = {question.code: question for question in self.questions}
        if unknown := sorted(set(answers) - set(known)):
            raise ValueError(f"there is no question {unknown[0]}")
        for code, value in answers.items():
            known[code].check(value)
        missing = [q.code for q in self.questions if q.required and q.code not in answers]
        if missing:
            raise ValueError(f"not answered: {', '.join(missing)}")


def suppressed_counts(counts: Mapping[str, int], k: int) -> dict[str, int | None]:
    """Counts with every cell under `k` hidden (None); when only one is hidden, the smallest other is hidden too,
    because the total would give it away.
    """
    hidden = {name for name, count in counts.items() if 0 < count < k}
    shown = sorted(((count, name) for name, count in counts.items() if name not in hidden and count > 0))
    if len(hidden) == 1 and shown:
        hidden.add(shown[0][1])
    return {name: None if name in hidden else count for name, count in counts.items()}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of two raters over n cases, with its 95 % interval; None where it cannot be told."""

    n: int
    observed: float | None
    kappa: float | None
    low: float | None
    high: float | None


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """How far two raters agree beyond chance."""
    n = len(pairs)
    if n == 0:
        return Agreement(0, None, None, None, None)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / n
    expected = sum(first[label] * second[label] for label in first) / n**2
    if expected >= 1:
        return Agreement(n, observed, None, None, None)
    kappa = (observed - expected) / (1 - expected)
    error = _standard_error(pairs, first, second, observed, expected)
    return Agreement(n, observed, kappa, max(kappa - 1.96 * error, -1.0), min(kappa + 1.96 * error, 1.0))


def _standard_error(
    pairs: Sequence[tuple[str, str]], first: Counter[str], second: Counter[str], observed: float, expected: float
) -> float:
    n = len(pairs)
    cells = Counter(pairs)
    same = sum(
        count / n * ((1 - expected) - (first[a] / n + second[b] / n) * (1 - observed)) ** 2
        for (a, b), count in cells.items()
        if a == b
    )
    other = (1 - observed) ** 2 * sum(
        count / n * (second[a] / n + first[b] / n) ** 2 for (a, b), count in cells.items() if a != b
    )
    rest = (observed * expected - 2 * expected + observed) ** 2
    return sqrt(max(same + other - rest, 0.0) / n) / (1 - expected) ** 2
