"""How strong something unseen would have to be to explain an effect away.

Belongs here: bounds under unmeasured confounding. Not here: confounding that was measured (`overlap.py`).

Three answers to one question: the robustness value and bounds in terms of covariates that were seen (Cinelli & Hazlett
2020), the E-value (VanderWeele & Ding 2017), and the odds by which a hidden cause would have to distort who is treated
(marginal sensitivity model: Tan 2006; Zhao, Small & Bhattacharya 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.effect import Effect
from ml.recovery.encoding import source
from ml.recovery.nuisance import Nuisances
from ml.recovery.pairs import Estimand, Floats, Pair, make_pair
from ml.recovery.partial import Moments


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An unseen cause `times` as strong as a covariate that was seen.

    `share_treatment`, `share_outcome` are the shares of what is left of either that it would explain, `bias` how far it
    could move the estimate, `low`, `high` the interval if it did so against us. `explains_away` says whether that
    interval then holds zero. All NaN for a strength that cannot be (it would explain more than everything).
    """

    covariate: str
    times: float
    share_treatment: float
    share_outcome: float
    bias: float
    low: float
    high: float
    explains_away: bool


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much an effect withstands; `reason` says why there is no answer.

    `robustness` is the share of what is left of treatment and of outcome that something unseen must explain to bring
    the estimate to zero, `robustness_interval` to bring its interval there (0 when it holds zero already). `e_value`
    and `e_value_interval` are risk ratios of at least 1, `odds` the distortion of the odds of treatment at which the
    estimate can reach zero (capped at 20).
    """

    robustness: float
    robustness_interval: float
    e_value: float
    e_value_interval: float
    odds: float
    benchmarks: tuple[Benchmark, ...]
    reason: str | None = None

    @property
    def strongest(self) -> Benchmark | None:
        """The covariate whose like would move the estimate most."""
        return max((one for one in self.benchmarks if one.bias == one.bias), key=lambda one: one.bias, default=None)


def sensitivity(
    attempts: Attempts, found: Effect, fitted: Nuisances, *, times: Sequence[float] = (1.0,)
) -> Sensitivity:
    """Sensitivity of an effect estimated with these nuisances.

    Strengths are of the linear regression of the outcome on treatment and covariates within overlap, where the bound
    is exact whatever the errors; the bias it allows is applied to our estimate and interval (the general case:
    Chernozhukov et al. 2022, "Long story short"). Benchmarks take all columns made of one covariate together.
    """
    if found.reason is not None:
        return Sensitivity(np.nan, np.nan, np.nan, np.nan, np.nan, (), found.reason)
    pair = make_pair(attempts, found.outcome, fitted, arm=found.arm, reference=found.reference, trim=found.trim)
    known = ~np.isnan(pair.values)
    moments = Moments.of(attempts.covariates[pair.rows[known]], pair.treated[known], pair.values[known])
    near = min(abs(found.low), abs(found.high)) if found.low * found.high > 0 else 0.0
    e_value, e_limit = e_values(pair, found)
    return Sensitivity(
        robustness=robustness_value(_ratio(abs(found.point), moments.leverage)),
        robustness_interval=robustness_value(_ratio(near, moments.leverage)),
        e_value=e_value,
        e_value_interval=e_limit,
        odds=hidden_odds(pair, found.estimand),
        benchmarks=_benchmarks(attempts.names, moments, found, times),
    )


def robustness_value(strength: float) -> float:
    """Share of both residuals a confounder must explain, given the partial f of treatment (Cinelli & Hazlett, eq. 18):
    RV = (sqrt(f^4 + 4 f^2) - f^2) / 2."""
    square = strength**2
    if not np.isfinite(square):
        return 1.0
    # The same without the cancellation that leaves nothing of it for large f.
    return float(2 * strength / (np.sqrt(square + 4) + strength)) if strength > 0 else 0.0


def confounding_bias(leverage: float, share_treatment: float, share_outcome: float) -> float:
    """How far leaving out a confounder moves a regression's coefficient of treatment, given the shares of what is left
    of treatment and outcome that it explains (Cinelli & Hazlett 2020, eq. 7); exact for one confounder."""
    return float(leverage * np.sqrt(share_outcome * share_treatment / (1 - share_treatment)))


def e_value(ratio: float) -> float:
    """Risk ratio an unseen cause must have with treatment and outcome to explain a risk ratio: R + sqrt(R (R - 1))."""
    if not ratio > 0 or not np.isfinite(ratio):
        return np.nan if ratio != 0 else np.inf
    above = max(ratio, 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))


def e_values(pair: Pair, found: Effect) -> tuple[float, float]:
    """E-values of the estimate and of the end of its interval nearer to none (1 when it holds none).

    A binary outcome gives a risk ratio with the reference mean taken as known; another one the ratio exp(0.91 d) of
    its standardised difference d (VanderWeele & Ding 2017, table 2).
    """
    known = pair.values[~np.isnan(pair.values)]
    near = 0.0 if found.low <= 0 <= found.high else min((found.low, found.high), key=abs)
    if np.isin(known, (0.0, 1.0)).all():
        zeros = pair.weights(found.estimand)[1]
        size = pair.target(found.estimand)
        base = float((size @ pair.mu0 + zeros @ np.nan_to_num(pair.values - pair.mu0)) / size.sum())
        ratios = [(base + one) / base if base > 0 else np.nan for one in (found.point, near)]
        return e_value(max(ratios[0], 0.0)), e_value(max(ratios[1], 0.0))
    spread = float(known.std())
    if not spread:
        return np.nan, np.nan
    return e_value(float(np.exp(0.91 * found.point / spread))), e_value(float(np.exp(0.91 * near / spread)))


def hidden_odds(pair: Pair, estimand: Estimand, most: float = 20.0) -> float:
    """Smallest factor by which a hidden cause must be able to change any attempt's odds of treatment so that the
    estimate can be zero; `most` when even that is not enough."""
    ones, zeros = pair.weights(estimand)
    size, whom = pair.target(estimand).sum(), pair.target(estimand)
    left1, left0 = np.nan_to_num(pair.values - pair.mu1), np.nan_to_num(pair.values - pair.mu0)
    expected = float(whom @ (pair.mu1 - pair.mu0)) / size
    point = expected + float(ones @ left1 - zeros @ left0) / size
    sign = 1.0 if point > 0 else -1.0

    def least(odds: float) -> float:
        treated = float(ones @ left1) / float(size)
        if estimand == "ate":
            treated = -sign * _extreme(-sign * left1[ones > 0], ones[ones > 0], odds)
        return float(sign * (expected + treated)) - _extreme(sign * left0[zeros > 0], zeros[zeros > 0], odds)

    if least(most) > 0:
        return most
    low, high = 1.0, most
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if least(middle) > 0 else (low, middle)
    return high


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.inf


def _extreme(values: Floats, weights: Floats, odds: float) -> float:
    """Largest weighted mean when each weight may be multiplied by anything from 1 / odds to odds: the upper part of
    the sorted values gets most (Zhao, Small & Bhattacharya 2019, proposition 2)."""
    order: NDArray[np.int64] = np.argsort(-values)
    weight, value = weights[order], values[order]
    up, down = odds, 1 / odds
    top, top_value = np.cumsum(weight), np.cumsum(weight * value)
    total, total_value = top[-1], top_value[-1]
    means = (down * total_value + (up - down) * top_value) / (down * total + (up - down) * top)
    return float(means.max())


def _benchmarks(
    names: tuple[str, ...], moments: Moments, found: Effect, times: Sequence[float]
) -> tuple[Benchmark, ...]:
    origins = [source(name) for name in names]
    benchmarks = []
    for covariate in dict.fromkeys(origins):
        columns = [place for place, origin in enumerate(origins) if origin == covariate]
        with_treatment, with_outcome = moments.explained_by(columns)
        for factor in times:
            benchmarks.append(_benchmark(covariate, factor, with_treatment, with_outcome, moments.leverage, found))
    return tuple(sorted(benchmarks, key=lambda one: (-one.bias if one.bias == one.bias else np.inf, one.covariate)))


def _benchmark(
    covariate: str, times: float, with_treatment: float, with_outcome: float, leverage: float, found: Effect
) -> Benchmark:
    """Bounds of Cinelli & Hazlett (2020), section 4.4, for a confounder `times` as strong as a covariate."""
    share_treatment = times * with_treatment / (1 - with_treatment)
    both = times * with_treatment**2 / ((1 - times * with_treatment) * (1 - with_treatment))
    if not (share_treatment < 1 and 0 <= both < 1):
        return Benchmark(covariate, times, np.nan, np.nan, np.nan, np.nan, np.nan, True)
    factor = (np.sqrt(times) + np.sqrt(both)) / np.sqrt(1 - both)
    share_outcome = min(factor**2 * with_outcome / (1 - with_outcome), 1.0)
    bias = confounding_bias(leverage, share_treatment, share_outcome)
    sign = 1.0 if found.point > 0 else -1.0
    low, high = found.low - sign * bias, found.high - sign * bias
    gone = low <= 0 <= high or (found.point - sign * bias) * sign <= 0
    return Benchmark(
        covariate, times, float(share_treatment), float(share_outcome), float(bias), float(low), float(high), bool(gone)
    )
