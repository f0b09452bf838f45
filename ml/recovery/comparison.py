"""Owners or teams beside each other, fairly: each against what an average one would have reached with the same cases.

Belongs here: from cases to one comparison of units on one outcome. Not here: which outcomes, who is shown and in what
words (`owners.py`), the regression (`case_mix.py`), chance (`funnel.py`), shrinkage and ranks (`ranks.py`).

Of twenty equal people with forty cases each, raw rates show a best of 74 % and a worst of 45 % where all have 60 %. So a
raw rate is only ever shown beside: what is expected with these cases, the range chance alone gives, the shrunken
estimate, and the ranks that are possible. A comparison tells what differs, not why: it adjusts for what was recorded
before the owner acted and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.case_mix import expected
from ml.recovery.funnel import Chance
from ml.recovery.ranks import DRAWS, PLACES, Standing, standing

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# Below so many cases with a known outcome an interval spans half of all rates: nothing is said.
MIN_CASES = 20
# With fewer cases in all there is no regression to speak of: everybody is expected to be like everybody.
_MIN_FOR_MIX = 100
_LEVEL = 0.95
# Amounts beyond these quantiles count as much as the quantile: one customer who spends a hundred times as much is
# nobody's merit. Without it 20 equal owners of 40 skew amounts each gave a false flag in 17 % of groups, with it in 1-5.
_TAILS = (0.01, 0.99)


@dataclass(frozen=True, eq=False)
class Comparison:
    """m units on one outcome, of which higher is better; every array (m,), NaN where a unit has no known outcome.

    `cases`, `known`: attempts, and those whose outcome is known. `naive` raw mean of the known, `observed` the same with
    extreme amounts of money held to the 1st and 99th percentile (shares: the same as naive), `expected` that of an average
    unit with the same cases, `group` that of everybody, `adjusted` = `group` + observed - expected, what it might have been with
    everybody's cases, with its 95 % interval. `standing` holds the shrunken differences and ranks; `p` is the
    probability of such a difference by chance, NaN with fewer than `min_cases` known. `design` is by how much several
    attempts of one customer make results vary more than so many customers would.
    """

    units: NDArray[np.str_]
    cases: Codes
    known: Codes
    group: float
    naive: Floats
    observed: Floats
    expected: Floats
    adjusted: Floats
    low: Floats
    high: Floats
    standing: Standing
    chance: Chance
    p: Floats
    design: float
    is_share: bool

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Funnel limits of the adjusted figure (low, high): where an average unit lies with probability `level`."""
        low, high = self.chance.limits(level)
        return self._as_adjusted(low), self._as_adjusted(high)

    def _as_adjusted(self, mean: Floats) -> Floats:
        return _within(self.group + mean - self.expected, self.is_share)


def compare(
    outcome: Floats, covariates: Floats, unit: NDArray[np.str_], cluster: Codes, *, is_share: bool,
    min_cases: int = MIN_CASES, draws: int = DRAWS, seed: int = 0,
) -> Comparison:  # fmt: skip
    """Compare units on an outcome (n,), NaN where unknown; `covariates` (n, d) finite, `cluster` the customer's code.

    `is_share`: the outcome is 0 or 1 and means are shares. Unknown outcomes are left out of everything but the count of
    cases: that is fair only where whether an outcome is known does not hang on who handled the case. Raises ValueError
    when lengths differ or a share is not 0 or 1.
    """
    _check(outcome, covariates, unit, cluster, is_share)
    units, code = np.unique(unit, return_inverse=True)
    is_known = ~np.isnan(outcome)
    raw = outcome[is_known]
    y = raw if is_share or not len(raw) else np.clip(raw, *np.quantile(raw, _TAILS))
    code_known, customer = code[is_known], np.unique(cluster[is_known], return_inverse=True)[1]
    cases, known = (np.bincount(codes, minlength=len(units)) for codes in (code, code_known))
    told = _told(covariates[is_known], y, code_known, customer, is_share, seed)
    observed, average = _mean(y, code_known, known), _mean(told, code_known, known)
    chance, design = _chance(covariates[is_known], y, told, code_known, customer, known, is_share, seed)
    group = float(y.mean()) if len(y) else np.nan
    low, high = chance.interval(observed, _LEVEL)
    is_judged = known >= min_cases
    return Comparison(
        units=units, cases=cases, known=known, group=group, naive=_mean(raw, code_known, known),
        observed=observed, expected=average, adjusted=_within(group + observed - average, is_share),
        low=_within(group + low - average, is_share), high=_within(group + high - average, is_share),
        standing=_standing(observed - average, chance.se, is_judged, y, draws, seed),
        chance=chance, p=np.where(is_judged, chance.two_sided(observed), np.nan), design=design, is_share=is_share,
    )  # fmt: skip


def _check(outcome: Floats, covariates: Floats, unit: NDArray[np.str_], cluster: Codes, is_share: bool) -> None:
    if not len(outcome) == len(covariates) == len(unit) == len(cluster):
        raise ValueError("outcomes, covariates, units and customers must be as many")
    if is_share and not np.isin(outcome[~np.isnan(outcome)], (0.0, 1.0)).all():
        raise ValueError("an outcome compared as a share must be 0 or 1 where it is known")


def _told(covariates: Floats, y: Floats, code: Codes, customer: Codes, is_share: bool, seed: int) -> Floats:
    if len(y) < _MIN_FOR_MIX or np.ptp(y) == 0 or np.ptp(customer) == 0:
        return np.full(len(y), y.mean() if len(y) else np.nan)
    return expected(covariates, y, code, customer, is_share=is_share, seed=seed)


def _chance(
    covariates: Floats, y: Floats, told: Floats, code: Codes, customer: Codes, known: Codes, is_share: bool, seed: int
) -> tuple[Chance, float]:
    """What chance does to each unit's mean, and the design effect of customers with several attempts.

    The effect is taken from residuals around each unit's own mean, so that true differences between units do not pass
    for chance.
    """
    rest = y - told
    own = rest - _mean(rest, code, known)[code]
    freedom = len(y) / max(len(y) - len(known), 1)
    variance = told * (1 - told) if is_share else _variance(covariates, own**2, code, customer, seed)
    pair = np.unique(code * (int(customer.max(initial=0)) + 1) + customer, return_inverse=True)[1]
    together = float((np.bincount(pair, own) ** 2).sum()) if len(y) else 0.0
    design = max(1.0, together * freedom / max(float(variance.sum()), 1e-12))
    se = np.sqrt(design * _mean(variance, code, known) / np.where(known > 0, known, np.nan))
    sigma = np.sqrt((own**2).mean()) if len(y) else np.nan
    skew = np.zeros(len(known)) if is_share or not sigma > 0 else (own**3).mean() / sigma**3 / np.sqrt(known / design)
    return Chance(expected=_mean(told, code, known), se=np.maximum(se, 1e-9), skew=skew, is_share=is_share), design


def _variance(covariates: Floats, squared: Floats, code: Codes, customer: Codes, seed: int) -> Floats:
    """Variance (n,) of money for such a case: customers who spend much vary much, whoever handles them."""
    if len(squared) < _MIN_FOR_MIX or np.ptp(squared) == 0 or np.ptp(customer) == 0:
        return np.full(len(squared), squared.mean() if len(squared) else np.nan)
    told = expected(covariates, squared, code, customer, is_share=False, seed=seed)
    # A line may fall below nothing where little is spent; a tenth of the mean is a floor that keeps the order.
    told = np.maximum(told, squared.mean() / 10)
    return np.asarray(told * squared.mean() / told.mean())


def _standing(difference: Floats, se: Floats, judged: NDArray[np.bool_], y: Floats, draws: int, seed: int) -> Standing:
    """Places of the units with a known outcome; all NaN where every outcome is the same."""
    nothing = np.full(len(difference), np.nan)
    there = ~np.isnan(difference)
    if not there.any() or np.ptp(y) == 0:
        return Standing(**dict.fromkeys(PLACES, nothing), tau=np.nan)
    found = standing(difference[there], se[there], judged[there], scale=float(y.std()), draws=draws, seed=seed)
    spread = {name: nothing.copy() for name in PLACES}
    for name, values in spread.items():
        values[there] = getattr(found, name)
    return Standing(**spread, tau=found.tau)


def _mean(values: Floats, code: Codes, known: Codes) -> Floats:
    return np.asarray(np.bincount(code, values, len(known)) / np.where(known > 0, known, np.nan))


def _within(mean: Floats, is_share: bool) -> Floats:
    return np.clip(mean, 0.0, 1.0) if is_share else mean
