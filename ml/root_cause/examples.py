"""What a cause model learns from: labelled texts, what else is known of them, and the settings of a training.

Belongs here: the shapes of the input and the guard against a label that is fed back as a feature. Not here: where labels
come from (the warehouse), nor any fitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.text.embed import Vectors

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
T = TypeVar("T")


class LeakyLabel(ValueError):
    """A resolution code would be a feature for a label that was read off the same code."""


@dataclass(frozen=True, slots=True)
class ClassifierParams:
    """Sizes and settings of a training."""

    min_texts: int = 200
    min_per_cause: int = 10
    # Time grows with the cube and memory with the square: 12,000 texts take 2 GB. Accuracy has long levelled off there.
    max_texts: int = 12_000
    # Ridge of a text whose cause has an average share. It grows with the share to the power of `balance`: 0 weighs texts
    # equally (best accuracy), 1 causes (best macro-F1); between them little of either is lost.
    regularisation: float = 0.5
    balance: float = 0.7
    words: int = 30_000
    letters: int = 30_000
    folds: int = 3
    test_share: float = 0.2
    # Below the confidence at which precision out of fold reaches this, the cause stays unknown.
    wanted_precision: float = 0.7
    highest_abstain: float = 0.6
    # Above the confidence at which the LOWER bound of precision out of fold reaches this, nobody needs to look.
    auto_precision: float = 0.98
    # A prediction set misses the cause in at most this share of texts; per cause when `sets_per_cause`.
    set_miss: float = 0.1
    sets_per_cause: bool = False
    seed: int = 20240101


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What agents had written by the time of the signal, one per signal: None where nothing, then the vector is zero."""

    texts: Sequence[str | None]
    vectors: Vectors

    def take(self, rows: Rows) -> Notes:
        """The given rows, in the given order."""
        return Notes(texts=[self.texts[row] for row in rows.tolist()], vectors=self.vectors[rows])

    def known(self) -> NDArray[np.bool_]:
        """Rows with a note that holds more than blanks (n,)."""
        return np.array([bool(text and text.strip()) for text in self.texts], dtype=bool)


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled texts: parallel arrays, one row per signal. `occurred` orders the time split.

    `weights` in (0, 1] say how sure the labeller was (None: equally). `notes` and `codes` are further sources; whoever
    gives codes says with `own_code` which labels were read off the very code. Such a row may not carry its code:
    LeakyLabel is raised, `hide_own_codes` makes the codes fit. `ids` name the rows in what is held out.
    """

    texts: Sequence[str]
    vectors: Vectors
    causes: Sequence[str]
    groups: Sequence[str]
    occurred: Sequence[float]
    weights: Sequence[float] | None = None
    notes: Notes | None = None
    codes: Sequence[str | None] | None = None
    own_code: Sequence[bool] | None = None
    ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, weights outside (0, 1] and codes that are their own label."""
        rows = len(self.texts)
        lengths = [len(own) for own in (self.causes, self.groups, self.occurred, self.vectors)]
        notes = None if self.notes is None else self.notes.texts
        lengths += [len(own) for own in (self.weights, self.codes, self.own_code, self.ids, notes) if own is not None]
        if any(length != rows for length in lengths):
            raise ValueError(f"{rows} texts, but other columns have {sorted(set(lengths) - {rows})} rows")
        if self.weights is not None and any(not 0 < weight <= 1 for weight in self.weights):
            raise ValueError("weights must lie in (0, 1]")
        if self.codes is not None:
            _refuse_own_codes(self.codes, self.own_code)

    def take(self, rows: Rows) -> Examples:
        """The given rows, in the given order."""
        places: list[int] = rows.tolist()

        def of(column: Sequence[T]) -> list[T]:
            return [column[place] for place in places]

        return Examples(
            texts=of(self.texts),
            vectors=self.vectors[rows],
            causes=of(self.causes),
            groups=of(self.groups),
            occurred=of(self.occurred),
            weights=None if self.weights is None else of(self.weights),
            notes=None if self.notes is None else self.notes.take(rows),
            codes=None if self.codes is None else of(self.codes),
            own_code=None if self.own_code is None else of(self.own_code),
            ids=None if self.ids is None else of(self.ids),
        )


def hide_own_codes(codes: Sequence[str | None], own_code: Sequence[bool]) -> list[str | None]:
    """Codes without those that the label of their row was read off."""
    return [None if own else code for code, own in zip(codes, own_code, strict=True)]


def _refuse_own_codes(codes: Sequence[str | None], own_code: Sequence[bool] | None) -> None:
    if own_code is None:
        raise LeakyLabel("codes are given without saying which labels were read off them (own_code)")
    leaks = sum(own and code is not None for code, own in zip(codes, own_code, strict=True))
    if leaks:
        raise LeakyLabel(f"{leaks} labels were read off the code that is to predict them; use hide_own_codes")


def usable(examples: Examples, params: ClassifierParams) -> tuple[Examples, dict[str, int]]:
    """Sorted examples of causes with at least `min_per_cause` different texts, and the rows of causes left out.

    Above `max_texts` the newest of each cause are kept, frequent causes giving way first. The order of the input does
    not matter.
    """
    texts = range(len(examples.texts))
    order = sorted(texts, key=lambda row: (examples.occurred[row], examples.groups[row], examples.causes[row]))
    variety: dict[str, set[str]] = {}
    for cause, group in zip(examples.causes, examples.groups, strict=True):
        variety.setdefault(cause, set()).add(group)
    rare = {cause for cause, groups in variety.items() if len(groups) < params.min_per_cause}
    kept = [row for row in order if examples.causes[row] not in rare]
    quota = _quota([examples.causes[row] for row in kept], params.max_texts)
    chosen: list[int] = []
    for row in reversed(kept):
        if quota[examples.causes[row]] > 0:
            quota[examples.causes[row]] -= 1
            chosen.append(row)
    left_out = {cause: sum(own == cause for own in examples.causes) for cause in sorted(rare)}
    return examples.take(np.asarray(chosen[::-1], dtype=np.int64)), left_out


def _quota(causes: Sequence[str], limit: int) -> dict[str, int]:
    """Rows per cause when at most `limit` fit: the same for all, what rare causes leave going to the others."""
    counts = {cause: causes.count(cause) for cause in sorted(set(causes))}
    quota, left = {}, limit
    for place, cause in enumerate(sorted(counts, key=lambda own: (counts[own], own))):
        quota[cause] = min(counts[cause], left // (len(counts) - place))
        left -= quota[cause]
    return quota
