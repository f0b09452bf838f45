"""Who is good at what, learned from how their cases ended, and honest about how little that often is.

Belongs here: the shrunk success rate of a person at a cause, with its interval. Not here: the skills HR lists
(`models/staff.py`), which outcome counts as a success (`models/outcome.py`), who gets a case (`models/assignment.py`).
Of twenty equal people with forty cases each, raw rates show a best of 74 % and a worst of 45 % where all have 60 %: so
nothing here is a raw rate. Method: empirical Bayes. Per cause, people's true rates are taken as Beta distributed around
the group's rate; how much they differ is the concentration with the largest beta-binomial likelihood (Skellam 1948;
Casella 1985), and each person's rate is the posterior Beta.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from math import exp, lgamma, log, log1p

# With fewer people nothing can be said about how much people differ: then the uniform prior, which knows nothing.
MIN_PEOPLE = 5
# Above this concentration people differ by less than half a point and it makes no difference to anybody.
_CONCENTRATIONS = (1.0, 10_000.0)
_GRID = 24


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a person's cases of one cause ended well (`successes`) of those whose end is known (`trials`)."""

    employee_id: str
    cause_id: str
    successes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials:
            raise ValueError(f"{self.employee_id}, {self.cause_id}: {self.successes} successes of {self.trials}")


@dataclass(frozen=True, slots=True)
class LearnedSkill:
    """A person's success rate at a cause: posterior mean and central interval [low, high], all in [0, 1].

    `group_rate` is that of everybody at the cause, `prior_trials` how many trials of one's own weigh as much as it.
    """

    employee_id: str
    cause_id: str
    rate: float
    low: float
    high: float
    trials: int
    group_rate: float
    prior_trials: float

    @property
    def is_proven(self) -> bool:
        """Whether the person is better at it than the group beyond what chance explains."""
        return self.low > self.group_rate


def learned_skill(
    tallies: Iterable[Tally], *, opted_out: Collection[str] = frozenset(), level: float = 0.9
) -> tuple[LearnedSkill, ...]:
    """Learned skills by cause and employee, in that order; several tallies of one pair are added up.

    Of whoever opted out nothing is learned: their cases neither give a rate of their own nor move anybody else's.
    `level` is the probability inside the interval; raises `ValueError` when it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not between 0 and 1")
    by_cause: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for tally in tallies:
        if tally.employee_id not in opted_out and tally.trials:
            k, n = by_cause[tally.cause_id].get(tally.employee_id, (0, 0))
            by_cause[tally.cause_id][tally.employee_id] = (k + tally.successes, n + tally.trials)
    return tuple(
        skill for cause in sorted(by_cause) for skill in _of_cause(cause, by_cause[cause], tail=(1 - level) / 2)
    )


def _of_cause(cause: str, counts: dict[str, tuple[int, int]], *, tail: float) -> Iterable[LearnedSkill]:
    # Sorted, because sums of logarithms depend on their order in the last digit.
    a, b = fit_prior(sorted(counts.values()))
    for person, (k, n) in sorted(counts.items()):
        after, against = a + k, b + n - k
        yield LearnedSkill(
            employee_id=person, cause_id=cause, rate=after / (after + against), trials=n, group_rate=a / (a + b),
            low=beta_quantile(tail, after, against), high=beta_quantile(1 - tail, after, against), prior_trials=a + b,
        )  # fmt: skip


def fit_prior(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The Beta distribution (a, b) of people's rates from (successes, trials) each: mean as pooled, concentration a + b
    of maximum likelihood within [1, 10,000]; (1, 1) for fewer than `MIN_PEOPLE`.
    """
    if len(counts) < MIN_PEOPLE:
        return 1.0, 1.0
    # Half a success and half a failure more, so that a group that never failed is not taken to be unable to.
    mean = (sum(k for k, _ in counts) + 0.5) / (sum(n for _, n in counts) + 1)

    def likelihood(log_size: float) -> float:
        size = exp(log_size)
        return sum(_log_beta_binomial(k, n, mean * size, (1 - mean) * size) for k, n in counts)

    size = exp(_highest(likelihood, *map(log, _CONCENTRATIONS)))
    return mean * size, (1 - mean) * size


def _log_beta_binomial(k: int, n: int, a: float, b: float) -> float:
    """Log-likelihood without the binomial coefficient, which does not depend on a and b."""
    return _log_beta(a + k, b + n - k) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _highest(f: Callable[[float], float], low: float, high: float) -> float:
    """Where a function is highest on [low, high]: a grid for the hill, thirds for its top."""
    step = (high - low) / _GRID
    top = max((low + k * step for k in range(_GRID + 1)), key=f)
    left, right = max(top - step, low), min(top + step, high)
    while right - left > 1e-4:
        third = (right - left) / 3
        if f(left + third) < f(right - third):
            left += third
        else:
            right -= third
    return (left + right) / 2


def beta_quantile(q: float, a: float, b: float) -> float:
    """The value in [0, 1] below which a Beta(a, b) variable lies with probability `q`; exact to 1e-7."""
    low, high = 0.0, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        if beta_share(middle, a, b) < q:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_share(x: float, a: float, b: float) -> float:
    """Probability that a Beta(a, b) variable lies below `x`: the regularised incomplete beta function, by the continued
    fraction of Abramowitz and Stegun 26.5.8, evaluated by the method of Lentz (1976).
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    # The fraction converges fast on this side of the mean only.
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_share(1.0 - x, b, a)
    front = exp(a * log(x) + b * log1p(-x) - _log_beta(a, b)) / a
    return front * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + t1 / (1 + t2 / (1 + ...))), term by term until nothing changes."""
    value, c, d = 1.0, 1.0, 0.0
    for j in count(1):
        m = j // 2
        if j % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return 1 / value
