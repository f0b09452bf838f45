"""Whether a learned policy may be used: what it would earn against the rules in force, and every gate it has to pass.

Belongs here: off-policy values of a policy beside the rules, doing nothing and what was done, the gates of promotion, the
share of cases to begin with, and how the gain builds up over cases. Not here: the estimators (`off_policy.py`),
learning (`policy.py`), the roll-out itself (`roll_out.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.nuisance import Nuisances
from ml.recovery.off_policy import LEAST_ESS, Estimate, Evaluation, Log, clustered_interval, difference, evaluate
from ml.recovery.policy_leaves import Scored, must_act
from ml.recovery.roll_out import Gate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Points of a share a policy may at worst lose on these, by the lower end of the interval: margin must not be bought with
# customers left unhelped.
TOLERANCES: Mapping[str, float] = {"recovered": 0.05, "retained_90d": 0.03}
# More of the policy's choices than this on actions hardly ever logged, and weights no longer speak for it.
MOST_THIN = 0.10
SHARES = (0.1, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One estimate: value per attempt of `policy`, or its lead over `against`, in units of `outcome`. Refused: no figures."""

    outcome: str
    policy: str
    against: str | None
    estimate: Estimate
    thin_share: float
    largest_weight: float


@dataclass(frozen=True, eq=False)
class Verdict:
    """Everything a person needs to decide: values, gates, and the share of cases to give it next (None: none)."""

    values: tuple[PolicyValue, ...]
    gates: tuple[Gate, ...]
    share: float | None
    logged_propensities: bool

    @property
    def passed(self) -> bool:
        """Whether every gate is open."""
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Gain per attempt over the rules when only the `share` of cases with the greatest expected lead follow the policy."""

    share: float
    gain_usd: float
    low_usd: float
    high_usd: float


def judge(
    attempts: Attempts,
    fitted: Mapping[str, Nuisances],
    data: Scored,
    kept: Ints,
    action: Ints,
    *,
    outcome: str,
    current: Ints | None = None,
    share: float = 0.0,
    tolerances: Mapping[str, float] = TOLERANCES,
    seed: int = 0,
) -> Verdict:
    """Judge a policy that gives `action` (n,) on the attempts of `data`, which are those at `kept` (`policy.ready`).

    For an honest answer `action` is what the policy gives when learned without the attempt's customer. `current` (n,) is
    the policy in force (default: the rules); `share` what part of the cases the candidate has now. `fitted` holds
    nuisances of `outcome` and of every outcome with a tolerance; one that is missing fails its gate. Raises ValueError
    when those of `outcome` are missing.
    """
    if outcome not in fitted:
        raise ValueError(f"nothing was fitted for {outcome}, on which the policy is judged")
    now = data.rules if current is None else current
    values, leads = list[PolicyValue](), dict[str, Evaluation]()
    for name, nuisance in fitted.items():
        known = _known(attempts, nuisance, name, kept)
        if not len(known):
            continue
        log = log_of(attempts, nuisance, name, kept[known])
        targets = _targets(data.take(known), action[known], now[known], log)
        for policy, target in targets.items():
            values += _rows(name, policy, None, evaluate(log, target, seed=seed))
        leads[name] = difference(log, targets["candidate"], targets["current"], seed=seed)
        values += _rows(name, "candidate", "current", leads[name])
    gates = (
        _gain(leads.get(outcome), outcome),
        _support(leads.get(outcome)),
        *(_guarded(name, leads.get(name), most) for name, most in tolerances.items()),
        _never_alone(data, action),
    )
    return Verdict(tuple(values), gates, next_share(gates, share), attempts.propensity is not None)


def log_of(attempts: Attempts, fitted: Nuisances, outcome: str, places: Ints) -> Log:
    """The attempts at `places` as rounds of a log; propensities are the logged ones, else estimated ones."""
    chance = fitted.propensity[places]
    return Log(
        attempts.arm[places],
        attempts.outcome(outcome)[places],
        chance / chance.sum(axis=1, keepdims=True),
        attempts.cluster[places],
        np.nan_to_num(fitted.mu[places]),
    )


def next_share(gates: tuple[Gate, ...], share: float) -> float | None:
    """The next step of a guarded roll-out, 10 %, 50 %, all; None when a gate is closed or all cases follow already."""
    if not all(gate.passed for gate in gates):
        return None
    return next((step for step in SHARES if step > share), None)


def policy_curve(
    predicted: Floats, gain: Floats, cluster: Ints, *, steps: int = 20, seed: int = 0
) -> tuple[CurvePoint, ...]:
    """How the gain builds up when cases follow the policy in the order of what it expects to gain.

    `predicted` and `gain` (n,) are the policy's expected and the doubly robust lead over the rules, both from folds the
    policy was not learned on (targeting operator characteristic: Yadlowsky et al. 2024).
    """
    order = np.argsort(-predicted, kind="stable")
    points = [CurvePoint(0.0, 0.0, 0.0, 0.0)]
    for step in range(1, steps + 1):
        followed = np.zeros(len(gain), dtype=bool)
        followed[order[: round(len(gain) * step / steps)]] = True
        point, low, high = clustered_interval(np.where(followed, gain, 0.0), cluster, seed=seed, draws=200)
        points.append(CurvePoint(step / steps, point, low, high))
    return tuple(points)


def one_hot(action: Ints, arms: int) -> Floats:
    """A policy that always takes `action`, as probabilities (n, arms)."""
    return np.asarray(action[:, None] == np.arange(arms), dtype=np.float64)


def _known(attempts: Attempts, fitted: Nuisances, outcome: str, kept: Ints) -> Ints:
    """Places within `kept` whose outcome is known and whose choice had a chance."""
    chance = fitted.propensity[kept, attempts.arm[kept]]
    return np.flatnonzero(attempts.due(outcome)[kept] & ~np.isnan(attempts.outcome(outcome)[kept]) & (chance > 0))


def _targets(data: Scored, action: Ints, now: Ints, log: Log) -> dict[str, Floats]:
    arms = len(data.arms)
    alone = np.where(data.eligible[:, 0] & ~must_act(data.facts), 0, data.rules)
    return {
        "candidate": one_hot(action, arms),
        "current": one_hot(now, arms),
        "rules": one_hot(data.rules, arms),
        "none": one_hot(alone, arms),
        "logged": log.propensity,
    }


def _rows(outcome: str, policy: str, against: str | None, found: Evaluation) -> list[PolicyValue]:
    support = found.support
    return [
        PolicyValue(outcome, policy, against, one, support.thin_share, support.largest_weight)
        for one in found.estimates
    ]


def _gain(lead: Evaluation | None, outcome: str) -> Gate:
    if lead is None or (dr := lead.of("dr")).value is None or dr.low is None:
        return Gate("gain", False, "no figure" if lead is None else str(lead.of("dr").refused))
    told = f"{outcome} {dr.value:+.2f} per case against the policy in force ({dr.low:+.2f} to {dr.high:+.2f})"
    return Gate("gain", dr.low > 0, told if dr.low > 0 else f"{told}: not beyond doubt")


def _support(lead: Evaluation | None) -> Gate:
    if lead is None:
        return Gate("support", False, "no attempt has a known outcome")
    ess, thin = lead.of("dr").ess, lead.support.thin_share
    told = f"effective sample size {ess:.0f}, {thin:.0%} of its choices on actions logged less than {lead.support.floor:.0%}"
    return Gate("support", ess >= LEAST_ESS and thin <= MOST_THIN, told)


def _guarded(outcome: str, lead: Evaluation | None, most: float) -> Gate:
    name = f"no harm to {outcome}"
    if lead is None or (dr := lead.of("dr")).low is None or dr.value is None:
        return Gate(name, False, "no figure" if lead is None else str(lead.of("dr").refused))
    told = f"{100 * dr.value:+.1f} points, at worst {100 * dr.low:+.1f}; {100 * -most:+.1f} is allowed"
    return Gate(name, dr.low >= -most, told)


def _never_alone(data: Scored, action: Ints) -> Gate:
    alone = int(((action == 0) & must_act(data.facts)).sum())
    barred = int((~data.eligible[np.arange(len(data)), action]).sum())
    told = f"{alone} grave or vulnerable cases left alone, {barred} cases given what they may not have"
    return Gate("guardrails", alone + barred == 0, told)
