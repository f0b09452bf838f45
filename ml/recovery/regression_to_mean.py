"""Recovery NPS without regression to the mean: what customers answer after, and what they would have answered anyway.

Belongs here: the expected second answer of customers who were left alone, lifts above it, intervals and bounds. Not here:
which answers belong to which attempt (`nps_pairs.py`), or effects on anything but an answer (`effect.py`).

Who was picked for a low answer answers higher the next time, whatever we do (Galton 1886; Barnett, van der Pols & Dobson
2005). Two ways to say how much higher: the answers of comparable customers who were left alone (difference in
differences), and the reliability of the question, E[second | first] = mean + r (first - mean), with r from repeated
answers of customers nothing was done for (Kelley 1927).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PROMOTER, DETRACTOR = 9, 6
# Customers with both answers below which nothing is said: of those treated, of those left alone, of repeats.
FEWEST_TREATED, FEWEST_CONTROL, FEWEST_REPEATS = 20, 20, 100
_CHUNK = 4_000_000


def nps_value(score: Floats) -> Floats:
    """Points of an answer of 0 to 10: 100 for a promoter (9, 10), -100 for a detractor (0 to 6), else 0; NaN stays."""
    points = np.where(score >= PROMOTER, 100.0, np.where(score <= DETRACTOR, -100.0, 0.0))
    return np.where(np.isnan(score), np.nan, points)


@dataclass(frozen=True, eq=False)
class NpsPairs:
    """n attempts of customers whose answer from before is known, and m untreated pairs of answers.

    `customer` (n,) codes; `before` and `after` (n,) scores 0 to 10, NaN for silence after; `treated` (n,) false where
    nothing was done; `weight` (n,) makes the untreated comparable (1 where not weighted). `repeat_customer` (m,),
    `first`, `second` (m,) scores of customers for whom nothing was done in between.
    """

    customer: NDArray[np.int64]
    before: Floats
    after: Floats
    treated: Flags
    weight: Floats
    repeat_customer: NDArray[np.int64]
    first: Floats
    second: Floats


@dataclass(frozen=True, kw_only=True)
class RecoveryNps:
    """NPS in points (-100 to 100) of treated customers who answered before and after; ends of intervals at 95 %.

    `naive` is after - before and no effect. `expected_control` and `expected_reliability` are what they would have
    answered without action; a `lift` is above that. `lift_worst`, `lift_best` let every silent customer answer for and
    against us, on both sides. NaN with a `reason` (of the control lift; of the reliability one) where data are too few.
    """

    n: int
    n_answered: int
    n_customers: int
    n_control: int
    n_repeats: int
    response_rate: float
    before: float
    after: float
    after_low: float
    after_high: float
    after_worst: float
    after_best: float
    naive: float
    reliability: float
    mean: float
    expected_control: float
    expected_reliability: float
    lift: float
    lift_low: float
    lift_high: float
    lift_worst: float
    lift_best: float
    lift_reliability: float
    lift_reliability_low: float
    lift_reliability_high: float
    reason: str | None = None
    reason_reliability: str | None = None


def recovery_nps(pairs: NpsPairs, *, draws: int = 999, seed: int = 0) -> RecoveryNps:
    """Recovery NPS and its lifts, with percentile intervals from `draws` bootstrap samples of customers.

    Raises ValueError for arrays of different lengths, scores off 0 to 10, or no treated attempt at all.
    """
    _check(pairs)
    sums, answered, control, repeats = _sums(pairs)
    if repeats < FEWEST_REPEATS:
        # Too few to tell how well the question repeats: those left alone are then held to a slope of their own.
        sums[:, _COLUMNS.index("pairs") :] = 0.0
    found = {name: float(value[0]) for name, value in _figures(sums.sum(axis=0)[None, :]).items()}
    reason, reliable = _refusals(answered, control, repeats)
    spread = _bootstrap(sums, draws, seed) if answered >= FEWEST_TREATED else {}
    ends = {name: _ends(spread.get(name)) for name in ("after", "lift", "lift_reliability")}
    for names, why in ((("expected_control", "lift", "lift_worst", "lift_best"), reason),
                       (("expected_reliability", "lift_reliability"), reliable)):  # fmt: skip
        if why is not None:
            found |= dict.fromkeys(names, np.nan)
            ends |= {name: (np.nan, np.nan) for name in names if name in ends}
    return RecoveryNps(
        n=int(pairs.treated.sum()),
        n_answered=int((pairs.treated & ~np.isnan(pairs.after)).sum()),
        n_customers=answered,
        n_control=control,
        n_repeats=repeats,
        after_low=ends["after"][0],
        after_high=ends["after"][1],
        lift_low=ends["lift"][0],
        lift_high=ends["lift"][1],
        lift_reliability_low=ends["lift_reliability"][0],
        lift_reliability_high=ends["lift_reliability"][1],
        reason=reason,
        reason_reliability=reliable,
        **found,
    )


def _check(pairs: NpsPairs) -> None:
    attempts = {len(x) for x in (pairs.customer, pairs.before, pairs.after, pairs.treated, pairs.weight)}
    if len(attempts) > 1 or len({len(x) for x in (pairs.repeat_customer, pairs.first, pairs.second)}) > 1:
        raise ValueError("arrays of attempts, and those of repeated answers, must be of one length each")
    for scores in (pairs.before, pairs.after[~np.isnan(pairs.after)], pairs.first, pairs.second):
        if len(scores) and not (scores.min() >= 0 and scores.max() <= 10):
            raise ValueError("scores lie between 0 and 10")
    if not pairs.treated.any():
        raise ValueError("there is no recovery NPS where nobody was treated")


# Columns of the sums by customer, from which every figure follows: a bootstrap sample is a weighted sum of their rows.
_COLUMNS = (
    "treated", "treated_before", "treated_after", "treated_all", "treated_all_before",
    "control", "control_before", "control_after", "control_all", "control_all_before",
    "control_cross", "control_squares", "pairs", "pair_sum", "pair_squares", "pair_cross",
)  # fmt: skip


def _sums(pairs: NpsPairs) -> tuple[Floats, int, int, int]:
    """(customers, columns) of sums, and how many customers answered twice: treated, left alone, and repeats."""
    before, after = nps_value(pairs.before), nps_value(pairs.after)
    known, treated = ~np.isnan(after), pairs.treated
    said, weight = np.where(known, after, 0.0), np.where(treated, 0.0, pairs.weight)
    x, y = nps_value(pairs.first), nps_value(pairs.second)
    done, left = treated & known, weight * known
    columns = [
        done, done * before, done * said, treated, treated * before,
        left, left * before, left * said, weight, weight * before, left * before * said, left * before**2,
    ]  # fmt: skip
    codes = np.unique(np.concatenate([pairs.customer, pairs.repeat_customer]), return_inverse=True)[1]
    of_attempt, of_pair = codes[: len(before)], codes[len(before) :]
    size = int(codes.max()) + 1
    summed = [np.bincount(of_attempt, weights=column.astype(np.float64), minlength=size) for column in columns]
    for column in (np.ones(len(x)), (x + y) / 2, (x**2 + y**2) / 2, x * y):
        summed.append(np.bincount(of_pair, weights=column, minlength=size))
    found = np.column_stack(summed).astype(np.float64)
    return found, int((found[:, 0] > 0).sum()), int((found[:, 5] > 0).sum()), int((found[:, 12] > 0).sum())


def _figures(sums: Floats) -> dict[str, Floats]:
    """Every figure of (samples, columns) of sums, (samples,) each."""
    s = dict(zip(_COLUMNS, sums.T, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s["pair_sum"] / s["pairs"]
        reliability = (s["pair_cross"] / s["pairs"] - mean**2) / (s["pair_squares"] / s["pairs"] - mean**2)
        before, after = s["treated_before"] / s["treated"], s["treated_after"] / s["treated"]
        left_before, left_after = s["control_before"] / s["control"], s["control_after"] / s["control"]
        own = s["control_cross"] / s["control"] - left_before * left_after
        own = own / (s["control_squares"] / s["control"] - left_before**2)
        # Both sides are brought to the same first answer; the slope is the question's, or the untreated ones' own.
        slope = np.where(np.isfinite(reliability), reliability, np.where(np.isfinite(own), own, 0.0))
        expected = left_after + slope * (before - left_before)
        silent, left_silent = s["treated_all"] - s["treated"], s["control_all"] - s["control"]
        worst, best = ((s["treated_after"] + side * silent) / s["treated_all"] for side in (-100.0, 100.0))
        least, most = ((s["control_after"] + side * left_silent) / s["control_all"] for side in (-100.0, 100.0))
        shift = slope * (s["treated_all_before"] / s["treated_all"] - s["control_all_before"] / s["control_all"])
        reliable = mean + reliability * (before - mean)
        rate = s["treated"] / s["treated_all"]
    return {
        "response_rate": rate, "before": before, "after": after, "after_worst": worst, "after_best": best,
        "naive": after - before, "reliability": reliability, "mean": mean, "expected_control": expected,
        "expected_reliability": reliable, "lift": after - expected, "lift_worst": worst - most - shift,
        "lift_best": best - least - shift, "lift_reliability": after - reliable,
    }  # fmt: skip


def _bootstrap(sums: Floats, draws: int, seed: int) -> dict[str, Floats]:
    """Figures of samples of customers drawn with replacement; a customer's count is Poisson (1), as in large samples.

    Customers with the same sums are one row drawn Poisson (their number), which is the same: answers take three values,
    so half a million customers are a few dozen rows.
    """
    random, found = np.random.default_rng(seed), []
    kinds, many = np.unique(sums, axis=0, return_counts=True)
    step = max(1, _CHUNK // len(kinds))
    for start in range(0, draws, step):
        counts = random.poisson(many, (min(step, draws - start), len(kinds))).astype(np.float64)
        found.append(counts @ kinds)
    return _figures(np.vstack(found))


def _ends(values: Floats | None) -> tuple[float, float]:
    if values is None or not np.isfinite(values).any():
        return np.nan, np.nan
    low, high = np.quantile(values[np.isfinite(values)], [0.025, 0.975])
    return float(low), float(high)


def _refusals(answered: int, control: int, repeats: int) -> tuple[str | None, str | None]:
    if answered < FEWEST_TREATED:
        few = f"{answered} treated customers answered before and after: {FEWEST_TREATED} are needed"
        return few, few
    lone = None if control >= FEWEST_CONTROL else (
        f"{control} customers who were left alone answered before and after: {FEWEST_CONTROL} are needed"
    )  # fmt: skip
    rare = None if repeats >= FEWEST_REPEATS else (
        f"{repeats} customers answered twice with nothing done between: {FEWEST_REPEATS} are needed"
    )  # fmt: skip
    return lone, rare
