"""What another policy would have earned, from choices that were made by this one: off-policy evaluation.

Belongs here: the estimators, their intervals, and the report whether the log supports an answer at all. Not here: how a
policy is learned (`policy_tree.py`), models of reward and propensity (`nuisance.py`), and promotion (`policy.py`).

Sources: direct method and doubly robust: Dudik, Langford and Li (2011); self-normalised: Swaminathan and Joachims
(2015); switch: Wang, Agarwal and Dudik (2017); intervals: Bayesian bootstrap, Rubin (1981), over customers. With fewer
than `LEAST_ESS` rounds' worth of weight there is no number, only the reason. The interval of the direct method covers the
draw of customers and not its model, which no bootstrap can see to be wrong; it stands beside the others as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Estimator = Literal["dm", "ips", "snips", "dr", "switch_dr"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)

LEAST_ESS = 100.0
# An action logged less often than this is hardly known; with weights above 50 one customer can carry the estimate.
FLOOR = 0.02
_DRAWS, _BLOCK = 1000, 64
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Log:
    """n rounds with known reward. `action` (n,) is an index into the arms, `reward` (n,) in its own unit.

    `propensity` (n, A) are the probabilities the choice was made with, rows sum to 1; `cluster` (n,) numbers customers;
    `mu` (n, A) the expected reward of every arm by a model not fitted on the customer's own rows, or None. Raises
    ValueError saying what does not fit.
    """

    action: Ints
    reward: Floats
    propensity: Floats
    cluster: Ints
    mu: Floats | None = None

    def __post_init__(self) -> None:
        n, arms = _table(self.propensity, "propensities")
        for name in ("action", "reward", "cluster"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, the propensities have {n} rows")
        if not n:
            raise ValueError("the log has no round")
        if self.action.min() < 0 or self.action.max() >= arms:
            raise ValueError(f"actions are places 0 to {arms - 1} among the arms")
        if not np.isfinite(self.reward).all():
            raise ValueError("a reward is unknown: leave out rounds whose outcome is not known yet")
        _probabilities(self.propensity, "propensities")
        if (self.propensity[np.arange(n), self.action] <= 0).any():
            raise ValueError(
                "an action was taken that the log gives no chance: its propensities are not those in force"
            )
        if self.mu is not None and (self.mu.shape != (n, arms) or not np.isfinite(self.mu).all()):
            raise ValueError(f"mu must be finite, of shape {(n, arms)}")

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value per round with its 95 % interval; the three are None when refused, and `refused` says why."""

    estimator: Estimator
    value: float | None
    low: float | None
    high: float | None
    n: int
    ess: float
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """Whether the log knows what the policy would do.

    `ess` is the effective sample size (sum w)^2 / sum w^2, `thin_share` the share of the policy's probability on actions
    with a logged propensity below `floor`, `largest_weight` the greatest w, `mean_weight` should be near 1.
    """

    n: int
    customers: int
    ess: float
    thin_share: float
    floor: float
    largest_weight: float
    mean_weight: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All estimates of one policy, in the order of `ESTIMATORS`, and the support they stand on."""

    estimates: tuple[Estimate, ...]
    support: Support
    switch_at: float | None

    def of(self, estimator: Estimator) -> Estimate:
        """One of the estimates."""
        return next(estimate for estimate in self.estimates if estimate.estimator == estimator)


def evaluate(log: Log, target: Floats, *, floor: float = FLOOR, seed: int = 0, draws: int = _DRAWS) -> Evaluation:
    """Value per round of a policy that takes action a in round i with probability `target[i, a]`.

    Raises ValueError when `target` is no table of probabilities of the log's shape.
    """
    _check_target(log, target)
    support, at = support_of(log, target, floor=floor), switch_point(log, target)
    columns = _columns(log, target, at)
    found = _intervals(log.cluster, columns, _value, draws, seed)
    return Evaluation(_told(log, found, support.ess, _thin(support)), support, at)


def difference(
    log: Log, target: Floats, current: Floats, *, floor: float = FLOOR, seed: int = 0, draws: int = _DRAWS
) -> Evaluation:
    """Value per round of `target` minus that of `current`, on the same rounds and draws: what both share drops out.

    The support is that of `target`; the lower of both effective sample sizes decides whether there is an answer.
    """
    _check_target(log, target)
    _check_target(log, current)
    support, base = support_of(log, target, floor=floor), support_of(log, current, floor=floor)
    at = switch_point(log, target)
    columns = np.hstack([_columns(log, target, at), _columns(log, current, at)])
    width = columns.shape[1] // 2
    found = _intervals(
        log.cluster, columns, lambda sums: _value(sums[:, :width]) - _value(sums[:, width:]), draws, seed
    )
    reason = _thin(support) or (_thin(base) and f"the policy it is compared with: {_thin(base)}")
    return Evaluation(_told(log, found, min(support.ess, base.ess), reason), support, at)


def support_of(log: Log, target: Floats, *, floor: float = FLOOR) -> Support:
    """How well the log covers what `target` would do."""
    weight = _weights(log, target)
    square = float((weight**2).sum())
    return Support(
        n=len(log),
        customers=len(np.unique(log.cluster)),
        ess=float(weight.sum()) ** 2 / square if square else 0.0,
        thin_share=float(np.where(log.propensity < floor, target, 0.0).sum() / len(log)),
        floor=floor,
        largest_weight=float(weight.max()),
        mean_weight=float(weight.mean()),
    )


def contributions(log: Log, target: Floats, estimator: Estimator, *, switch_at: float = np.inf) -> Floats:
    """What each round (n,) adds to an estimate; the estimate is their mean.

    Raises ValueError when the estimator needs `mu` and the log has none.
    """
    weight = _weights(log, target)
    if estimator == "ips":
        return np.asarray(weight * log.reward)
    if estimator == "snips":
        return np.asarray(weight * log.reward / weight.mean())
    if log.mu is None:
        raise ValueError(f"{estimator} needs the expected rewards of all arms (mu)")
    direct = (target * log.mu).sum(axis=1)
    if estimator == "dm":
        return np.asarray(direct)
    residual = log.reward - log.mu[np.arange(len(log)), log.action]
    used = weight <= (switch_at if estimator == "switch_dr" else np.inf)
    return np.asarray(direct + np.where(used, weight * residual, 0.0))


def switch_point(log: Log, target: Floats) -> float | None:
    """The weight above which switch-DR trusts the model alone: least variance plus squared bound on the bias.

    The bound takes the model to be wrong by its largest error seen, wherever the policy's weight is above (Wang, Agarwal
    and Dudik 2017, section 4.1). None without `mu`.
    """
    if log.mu is None:
        return None
    weight, all_weights = _weights(log, target), _all_weights(log, target)
    largest = float(np.abs(log.reward - log.mu[np.arange(len(log)), log.action]).max())
    used = weight[weight > 0]
    grid = [*(np.unique(np.quantile(used, np.linspace(0.5, 1.0, 11))).tolist() if len(used) else []), np.inf]

    def risk(at: float) -> float:
        part = contributions(log, target, "switch_dr", switch_at=at)
        bias = largest * float(np.where(all_weights > at, target, 0.0).sum(axis=1).mean())
        return float(part.var()) / len(log) + bias**2

    return float(min(reversed(grid), key=risk))


def clustered_interval(
    values: Floats, cluster: Ints, *, seed: int = 0, draws: int = _DRAWS
) -> tuple[float, float, float]:
    """Mean of `values` (n,) and its 95 % interval, by the same bootstrap over clusters."""
    columns = np.column_stack([values, np.ones(len(values))])
    found = _intervals(cluster, columns, lambda sums: sums[:, :1] / sums[:, 1:2], draws, seed)
    point, low, high = found[0]
    return point, low, high


def _table(values: Floats, name: str) -> tuple[int, int]:
    if values.ndim != 2:
        raise ValueError(f"{name} have one row per round and one column per arm")
    return values.shape[0], values.shape[1]


def _probabilities(values: Floats, name: str) -> None:
    if not np.isfinite(values).all() or (values < 0).any() or not np.allclose(values.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError(f"{name} are not negative and sum to 1 in every row")


def _check_target(log: Log, target: Floats) -> None:
    if target.shape != log.propensity.shape:
        raise ValueError(f"the policy has shape {target.shape}, the log {log.propensity.shape}")
    _probabilities(target, "probabilities of the policy")


def _weights(log: Log, target: Floats) -> Floats:
    rows = np.arange(len(log))
    return np.asarray(target[rows, log.action] / log.propensity[rows, log.action])


def _all_weights(log: Log, target: Floats) -> Floats:
    """Weights of actions not taken, too; an action without a chance has an infinite one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(target > 0, target / log.propensity, 0.0))


def _thin(support: Support) -> str | None:
    if support.ess >= LEAST_ESS:
        return None
    return f"too little support: {support.n} rounds are worth {support.ess:.0f}, at least {LEAST_ESS:.0f} are needed"


def _columns(log: Log, target: Floats, switch_at: float | None) -> Floats:
    """Per round: numerators of the estimators in their order, then the weight and 1; unknown numerators are NaN."""
    weight = _weights(log, target)
    parts = {"ips": weight * log.reward, "snips": weight * log.reward}
    for name in ("dm", "dr", "switch_dr"):
        known = log.mu is not None
        at = np.inf if switch_at is None else switch_at
        parts[name] = contributions(log, target, name, switch_at=at) if known else np.full(len(log), np.nan)
    return np.column_stack([*(parts[name] for name in ESTIMATORS), weight, np.ones(len(log))])


def _value(sums: Floats) -> Floats:
    """Estimates (draws, estimators) from weighted sums of the columns."""
    weight, rounds = sums[:, -2:-1], sums[:, -1:]
    below = np.broadcast_to(rounds, (len(sums), len(ESTIMATORS))).copy()
    below[:, ESTIMATORS.index("snips")] = weight[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[:, : len(ESTIMATORS)] / below)


def _intervals(
    cluster: Ints, columns: Floats, value: Callable[[Floats], Floats], draws: int, seed: int
) -> list[tuple[float, float, float]]:
    """Point, low and high of each figure `value` makes of the column sums, redrawing whole customers."""
    codes = np.unique(cluster, return_inverse=True)[1]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in columns.T])
    rng, drawn = np.random.default_rng(seed), list[Floats]()
    for begin in range(0, draws, _BLOCK):
        # Exponential weights leave no customer out wholly, so no draw is without an arm that few were given.
        drawn.append(value(rng.standard_exponential((min(_BLOCK, draws - begin), len(sums))) @ sums))
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(np.vstack(drawn), [tail, 1 - tail], axis=0)
    point = value(sums.sum(axis=0, keepdims=True))[0]
    return [(float(a), float(b), float(c)) for a, b, c in zip(point, low, high, strict=True)]


def _told(
    log: Log, found: Sequence[tuple[float, float, float]], ess: float, reason: str | None
) -> tuple[Estimate, ...]:
    told = list[Estimate]()
    for name, (point, low, high) in zip(ESTIMATORS, found, strict=True):
        why = reason or ("it needs the expected rewards of all arms" if np.isnan(point) else None)
        told.append(
            Estimate(name, None, None, None, len(log), ess, why)
            if why
            else Estimate(name, point, low, high, len(log), ess)
        )
    return tuple(told)
