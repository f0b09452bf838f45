"""Learning a playbook policy from attempts: which kind of policy the data bear out against the rules, if any.

Belongs here: getting attempts ready, learning candidates, choosing among them by customers they have not seen. Not here:
who may be given what (`policy_programme.py`), the search for a tree (`policy_tree.py`), prices of leaves
(`policy_leaves.py`), whether what was chosen may be used (`policy_verdict.py`), or putting it in force (`roll_out.py`).

Method: policy learning from doubly robust scores (Athey and Wager 2021; several arms and exact trees: Zhou, Athey and
Wager 2023). The rules are the baseline: a candidate that does not beat them by the lower end of its interval is not taken,
and of those that do the simplest within one standard error of the best is (Breiman et al. 1984).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.recovery.attempts import Attempts
from ml.recovery.effect import scores
from ml.recovery.learners import one_thread
from ml.recovery.nuisance import Nuisances, grouped_folds
from ml.recovery.off_policy import FLOOR
from ml.recovery.pairs import clustered_error, interval
from ml.recovery.policy_facts import ASKED, Facts
from ml.recovery.policy_leaves import Scored, assign, with_values, worth
from ml.recovery.policy_score import score_actions
from ml.recovery.policy_tree import MAX_DEPTH, grow
from models.policy import Policy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Candidate = Literal["rules", "one_arm", "tree_1", "tree_2", "tree_3", "score"]
CANDIDATES: tuple[Candidate, ...] = ("rules", "one_arm", "tree_1", "tree_2", "tree_3", "score")
OUTCOME = "net_margin_90d"
# Attempts with known outcome below which nothing is learned: five folds of halves would leave no leaf to price.
LEAST_ATTEMPTS = 1000


class TooFewAttempts(ValueError):
    """Nothing is learned from so few attempts with a known outcome; the message says how many are needed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One candidate, on customers it was not learned from: dollars per attempt more than the rules, with a 95 % interval.

    `differs` is the share of cases in which it takes another arm than the rules. `is_served`: whether such a policy can
    be frozen; a score is only compared, because nobody can read it and object.
    """

    candidate: Candidate
    gain_usd: float
    low_usd: float
    high_usd: float
    differs: float
    is_served: bool
    is_chosen: bool


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned: the bundle, how the candidates compare, and `why` the choice fell so.

    `held_out` (n,) is the arm the chosen kind of policy gives each attempt when learned without the attempt's fold of
    customers, `predicted` (n,) what it then expects that to bring more than the arm of the rules, 0 where unknown.
    """

    policy: Policy
    candidate: Candidate
    comparison: tuple[Compared, ...]
    held_out: Ints
    predicted: Floats
    why: str


def ready(
    attempts: Attempts, facts: Facts, fitted: Nuisances, eligible: Flags, rules: Ints, *, outcome: str = OUTCOME
) -> tuple[Scored, Ints]:
    """Attempts to learn from, and their places among those given.

    Left out are attempts whose outcome is not known yet and those for which the rules take no arm that was ever used. An
    arm is open to the policy where the programme leaves it open and such cases got it in at least one of fifty; there
    alone the data say what it does. The arm of the rules is always open.
    """
    psi = scores(attempts, outcome, fitted)
    rows = np.arange(len(attempts))
    known = attempts.due(outcome) & ~np.isnan(attempts.outcome(outcome)) & (rules >= 0)
    known &= ~np.isnan(psi[rows, np.maximum(rules, 0)])
    kept = np.flatnonzero(known)
    may = eligible[kept] & (fitted.propensity[kept] >= FLOOR) & ~np.isnan(psi[kept])
    may[np.arange(len(kept)), rules[kept]] = True
    data = Scored(
        facts.take(kept), np.where(may, psi[kept], 0.0), may, rules[kept], attempts.arm[kept], attempts.cluster[kept],
        attempts.arms,
    )  # fmt: skip
    return data, kept


def learn(
    data: Scored,
    *,
    policy_id: str,
    as_of: str,
    outcome: str = OUTCOME,
    fields: Sequence[str] = ASKED,
    folds: int = 5,
    seed: int = 0,
) -> Learned:
    """Learn every candidate without each fold of customers in turn, choose by how they do there, learn the chosen on all.

    Raises ValueError with fewer than `LEAST_ATTEMPTS` attempts.
    """
    if len(data) < LEAST_ATTEMPTS:
        raise TooFewAttempts(f"{len(data)} attempts with known outcome; a policy is learned from at least {LEAST_ATTEMPTS}")

    def bundle(part: Scored, depth: int) -> Policy:
        return _fit(part, depth, policy_id=policy_id, as_of=as_of, outcome=outcome, fields=fields, seed=seed)

    # The products of a search are small: a second thread only waits for the first, and counts as time.
    with one_thread():
        actions, predicted = _held_out(data, bundle, fields, folds, seed)
    gains = {name: data.gains[np.arange(len(data)), chosen] for name, chosen in actions.items()}
    chosen, why = _choose(gains, data.cluster)
    comparison = tuple(
        _compared(name, gains[name], actions[name], data, is_chosen=name == chosen) for name in CANDIDATES
    )
    policy = _rules_bundle(data, policy_id, as_of, outcome) if chosen == "rules" else bundle(data, _depth(chosen))
    return Learned(policy, chosen, comparison, actions[chosen], predicted[chosen], why)


def _fit(
    part: Scored, depth: int, *, policy_id: str, as_of: str, outcome: str, fields: Sequence[str], seed: int
) -> Policy:
    """Grow on one half of the customers, price on the other."""
    half = grouped_folds(part.cluster, part.arm, 2, seed + 1)
    shaping, pricing = part.take(half == 0), part.take(half == 1)
    tree = grow(shaping.facts, shaping.gains, shaping.arm, depth=depth, fields=fields)
    return Policy(
        format=1, policy_id=policy_id, method="tree" if depth else "one_arm", outcome=outcome, arms=part.arms,
        attempts=len(part), customers=len(np.unique(part.cluster)), as_of=as_of, root=with_values(tree, pricing),
    )  # fmt: skip


def _rules_bundle(data: Scored, policy_id: str, as_of: str, outcome: str) -> Policy:
    return Policy(
        format=1, policy_id=policy_id, method="rules", outcome=outcome, arms=data.arms, attempts=len(data),
        customers=len(np.unique(data.cluster)), as_of=as_of, root=None,
    )  # fmt: skip


def _held_out(
    data: Scored, bundle: Callable[[Scored, int], Policy], fields: Sequence[str], folds: int, seed: int
) -> tuple[dict[Candidate, Ints], dict[Candidate, Floats]]:
    actions: dict[Candidate, Ints] = {name: data.rules.copy() for name in CANDIDATES}
    predicted: dict[Candidate, Floats] = {name: np.zeros(len(data)) for name in CANDIDATES}
    fold = grouped_folds(data.cluster, data.arm, folds, seed)
    for number in range(folds):
        inside = fold == number
        train, test = data.take(~inside), data.take(inside)
        for depth in range(MAX_DEPTH + 1):
            policy = bundle(train, depth)
            chosen = assign(policy, test)
            actions[_name(depth)][inside] = chosen
            predicted[_name(depth)][inside] = _lead(worth(policy, test.facts, test.arms)[0], chosen, test.rules)
        actions["score"][inside] = score_actions(train, test, fields)
    return actions, predicted


def _lead(value: Floats, chosen: Ints, rules: Ints) -> Floats:
    rows = np.arange(len(chosen))
    return np.nan_to_num(value[rows, chosen] - value[rows, rules])


def _choose(gains: Mapping[Candidate, Floats], cluster: Ints) -> tuple[Candidate, str]:
    served: list[Candidate] = ["one_arm", "tree_1", "tree_2", "tree_3"]
    proven = [name for name in served if _mean(gains[name], cluster)[1] > 0]
    if not proven:
        best = max(served, key=lambda name: gains[name].mean())
        point, low, high = _mean(gains[best], cluster)
        return "rules", (
            f"no policy beats the rules beyond doubt; the best, {best}, brings {point:+.2f} USD per case "
            f"({low:+.2f} to {high:+.2f})"
        )
    best = max(proven, key=lambda name: gains[name].mean())
    for name in proven:
        lead = gains[best] - gains[name]
        error, _ = clustered_error(lead - lead.mean(), cluster, len(lead))
        if lead.mean() <= error:
            point, low, high = _mean(gains[name], cluster)
            simpler = "" if name == best else f", and is simpler than {best} and within one standard error of it"
            return (
                name,
                f"{name} brings {point:+.2f} USD per case more than the rules ({low:+.2f} to {high:+.2f}){simpler}",
            )
    raise AssertionError("the best is within any distance of itself")


def _compared(name: Candidate, gain: Floats, action: Ints, data: Scored, *, is_chosen: bool) -> Compared:
    point, low, high = _mean(gain, data.cluster)
    return Compared(name, point, low, high, float((action != data.rules).mean()), name != "score", is_chosen)


def _mean(gain: Floats, cluster: Ints) -> tuple[float, float, float]:
    point = float(gain.mean())
    if not gain.any():
        return 0.0, 0.0, 0.0
    return point, *interval(point, *clustered_error(gain - point, cluster, len(gain)))


def _name(depth: int) -> Candidate:
    return CANDIDATES[depth + 1]


def _depth(name: Candidate) -> int:
    return CANDIDATES.index(name) - 1
