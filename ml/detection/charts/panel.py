"""Many daily series side by side, as charts read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Panel:
    """Series (S rows) by consecutive days (T columns).

    `n` (S, T) are opportunities (customers, answers, resolutions to expect), `total` (S, T) sums of outcomes, `squares`
    (S, T) sums of their squares for measures that are means, None for counts. `direction` is +1 where more is worse, -1
    where less is. `valid` (T,) or (S, T) says which days count. `weekday` (T,) is 0 to 6. `parent` (S,) is the place of
    the coarser series a thin one leans on, -1 for none; parents come before their children. Raises ValueError when
    shapes differ or a count is negative.
    """

    n: Floats
    total: Floats
    direction: int
    squares: Floats | None = None
    valid: Flags | None = None
    weekday: Ints | None = None
    parent: Ints | None = None

    def __post_init__(self) -> None:
        if self.n.shape != self.total.shape or (self.squares is not None and self.squares.shape != self.n.shape):
            raise ValueError("n, total and squares need one shape: series by days")
        if np.nanmin(self.n, initial=0.0) < 0 or (self.squares is None and np.nanmin(self.total, initial=0.0) < 0):
            raise ValueError("neither chances nor counts can be negative")
        if self.parent is not None and np.any(self.parent >= np.arange(self.series)):
            raise ValueError("a parent comes before its children")

    @property
    def series(self) -> int:
        """Number of series."""
        return int(self.n.shape[0])

    @property
    def days(self) -> int:
        """Number of days."""
        return int(self.n.shape[1])

    @property
    def is_count(self) -> bool:
        """Whether outcomes are counted rather than averaged."""
        return self.squares is None

    def day_of_week(self, day: int) -> int:
        """0 to 6; days are numbered from any weekday when none are given."""
        return day % 7 if self.weekday is None else int(self.weekday[day])

    def counts(self, day: int) -> Flags:
        """(S,) whether the day counts for each series: it was delivered and there was an opportunity."""
        there = self.n[:, day] > 0
        if self.valid is None:
            return there
        return there & (self.valid[day] if self.valid.ndim == 1 else self.valid[:, day])
