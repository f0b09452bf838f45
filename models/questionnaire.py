"""What the owner of a closed case is asked, how often, and how the answers may be counted.

Belongs here: the typed questionnaire.yml, the sample, and counting that names nobody. Not here: storing questions and
answers (`cases/questionnaires.py`). Answers are about the employer, so no number is shown that stands for too few people.
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
WITHHELD = "(withheld)"


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
    """questionnaire.yml: the questions, the share of closings that is asked, the most per owner in seven days, and how
    many people a number must stand for before it is shown.
    """

    questions: tuple[Question, ...] = Field(min_length=1)
    share: float = Field(default=0.2, ge=0, le=1)
    most_per_owner_week: int = Field(default=3, ge=0)
    smallest_cell: int = Field(default=5, ge=3)

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
        """Raise `ValueError` for an unknown question, an answer that does not fit, or a required one that is missing.

        The message never repeats what was answered.
        """
        known = {question.code: question for question in self.questions}
        if set(answers) - set(known):
            raise ValueError(f"an answer belongs to no question; there are {', '.join(known)}")
        for code, value in answers.items():
            known[code].check(value)
        missing = [q.code for q in self.questions if q.required and q.code not in answers]
        if missing:
            raise ValueError(f"not answered: {', '.join(missing)}")


@dataclass(frozen=True, slots=True)
class Given:
    """One answer as text: of whom, in which group (a cause, a team, a month)."""

    person: str
    group: str
    answer: str


@dataclass(frozen=True, slots=True)
class Cell:
    """How many answers, of how many people. `answer` is `WITHHELD` for the ones that are too few, put together."""

    group: str
    answer: str
    answers: int
    people: int


def counted(given: Sequence[Given], smallest_cell: int) -> tuple[Cell, ...]:
    """Counts by group and answer, each of which stands for at least `smallest_cell` people, not only answers.

    A group of fewer people is left out. Within a group the answers of too few people are put together, with the next
    smallest ones where need be: what is shown is a partition into large enough parts, so no difference of shown numbers
    gives a hidden one away (complementary suppression; Hundepool et al. 2012, ch. 4). Two tables of the same answers by
    different groups could still be set against each other: show one.
    """
    cells: list[Cell] = []
    for group in sorted({item.group for item in given}):
        said = [item for item in given if item.group == group]
        if len({item.person for item in said}) >= smallest_cell:
            cells += _partition(group, said, smallest_cell)
    return tuple(cells)


def _partition(group: str, said: Sequence[Given], smallest_cell: int) -> list[Cell]:
    people: dict[str, set[str]] = {}
    for item in said:
        people.setdefault(item.answer, set()).add(item.person)
    sizes = Counter(item.answer for item in said)
    pooled, together = _pool(people, smallest_cell)
    shown = [Cell(group, name, sizes[name], len(people[name])) for name in sorted(people) if name not in pooled]
    if pooled:
        shown.append(Cell(group, WITHHELD, sum(sizes[name] for name in pooled), len(together)))
    return shown


def _pool(people: Mapping[str, set[str]], smallest_cell: int) -> tuple[set[str], set[str]]:
    """Answers to put together, and who gave them: from the rarest on, until they are two and of enough people."""
    pooled: set[str] = set()
    together: set[str] = set()
    for name in sorted(people, key=lambda name: (len(people[name]), name)):
        # A pool of one hides nothing: its name is the one that is missing from the list.
        is_unsafe = bool(pooled) and (len(pooled) == 1 or len(together) < smallest_cell)
        if len(people[name]) < smallest_cell or is_unsafe:
            pooled.add(name)
            together |= people[name]
    return pooled, together


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of two raters over n cases, with its 95 % interval; None where it cannot be told: no case, or both
    name one cause throughout, so that chance explains all. `unknown` cases lack one of the two and are not in n.
    """

    n: int
    observed: float | None
    kappa: float | None
    low: float | None
    high: float | None
    unknown: int = 0


def agreement(rated: Sequence[tuple[str | None, str | None]]) -> Agreement:
    """How far two raters agree beyond chance: what the owner saw as the cause, and what the model did.

    Cohen's kappa with the large-sample standard error of Fleiss, Cohen and Everitt (1969), cut at -1 and 1; with fewer
    than about 50 cases the interval is too narrow.
    """
    pairs = [(a, b) for a, b in rated if a is not None and b is not None]
    n, unknown = len(pairs), len(rated) - len(pairs)
    if n == 0:
        return Agreement(0, None, None, None, None, unknown)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / n
    expected = sum(first[label] * second[label] for label in first) / n**2
    if expected >= 1:
        return Agreement(n, observed, None, None, None, unknown)
    kappa = (observed - expected) / (1 - expected)
    error = _standard_error(pairs, first, second, observed, expected)
    low, high = max(kappa - 1.96 * error, -1.0), min(kappa + 1.96 * error, 1.0)
    return Agreement(n, observed, kappa, low, high, unknown)


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
