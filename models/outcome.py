"""Outcomes counted honestly: a metric keeps its counts, and `recovered` is a criterion that can be unknown.

Belongs here: the typed ratio with its interval and the recovered criterion. Not here: causal effects (`ml/recovery`)
or reading outcomes from tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share with everything needed to check it. Divided only for display; never averaged, only added.

    Counts: `numerator` of `denominator`; `excluded` were left out on purpose (immature, merged, invalid), `missing`
    could not be judged. Raises `ValueError` when the counts cannot be true.
    """

    numerator: int
    denominator: int
    excluded: int = 0
    missing: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.numerator <= self.denominator or self.excluded < 0 or self.missing < 0:
            raise ValueError(f"impossible counts: {self}")

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            self.excluded + other.excluded,
            self.missing + other.missing,
        )

    @property
    def value(self) -> float | None:
        """The share in 0..1, or None when nothing was judged."""
        return self.numerator / self.denominator if self.denominator else None

    def wilson(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Wilson score interval (Wilson, JASA 1927) in 0..1; None when nothing was judged."""
        if not 0 < confidence < 1:
            raise ValueError("confidence lies between 0 and 1")
        n = self.denominator
        if n == 0:
            return None
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        share = self.numerator / n
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        # At 0 and n the bound is exactly the edge; floating point may miss it by one part in 1e16.
        low = 0.0 if self.numerator == 0 else max(0.0, centre - half)
        high = 1.0 if self.numerator == n else min(1.0, centre + half)
        return low, high


@dataclass(frozen=True, slots=True)
class RecoveredCriterion:
    """When a closed case counts as recovered: a good enough score or a confirmation, and no same-cause recontact."""

    nps_at_least: int = 7
    csat_at_least: int = 4
    ces_at_least: int | None = None
    response_window_days: int = 30
    recontact_window_days: int = 14

    def recovered(
        self,
        *,
        nps: float | None = None,
        csat: float | None = None,
        ces: float | None = None,
        confirmed: bool | None = None,
        recontacted: bool | None,
    ) -> bool | None:
        """True, False, or None when the case cannot be judged yet (no answer, or the recontact window still runs)."""
        if recontacted:
            return False
        answers = [confirmed, _reaches(nps, self.nps_at_least), _reaches(csat, self.csat_at_least)]
        answers.append(_reaches(ces, self.ces_at_least))
        known = [answer for answer in answers if answer is not None]
        if not known or recontacted is None:
            return None
        return any(known)


def _reaches(score: float | None, bound: int | None) -> bool | None:
    return None if score is None or bound is None else score >= bound
