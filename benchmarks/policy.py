"""Does a learned playbook policy truly earn more, and does its evaluation say the truth before anybody has to try it?

Run: `python -m benchmarks.policy [--worlds 6] [--customers 8000] [--large 10] [--large-customers 100000]`. Belongs here: the
claims and their figures. Not here: the contenders (policy_contenders.py) and the worlds (effect_worlds.py).

The closing line's `ratio` is money left on the table: how much less than the best policy of its kind (a tree of depth 3
grown on the truth of the unseen world itself) the better of the two rivals earns, divided by how much less ours does. The
rivals are the programme's rules and treating the riskiest customers first with the strongest arm. All figures are true net
margin per case in worlds nobody learned from. Against the riskiest-first rival both are short of hands: they have the minutes
of the shortest arms and half of what ours would take beyond, at least a twentieth more.

The guard holds when, over the worlds, ours beats the rules, and riskiest-first within the same minutes, by the lower end of
a 95 % interval (t, one value per pair of worlds), and the rules also where nobody may be left alone; the doubly robust value
of a frozen policy is within 2 % of its true value on average over `--large` worlds, and its intervals hold the truth there;
the same in a bandit setting of known truth (ten actions, logistic rewards, as Open Bandit Pipeline draws them); a log worth
fewer than 100 rounds is refused; and IPS, SNIPS, DR, DM and switch-DR equal their formulas row by row to the noise of floats.

Cost, interleaved in one process: choosing within a budget of minutes against the linear programme solved by HiGHS.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.harness import finish, interleave, measure, ratio
from benchmarks.policy_contenders import Outcome, contest, draw, learned_in
from ml.recovery.budget import within_budget
from ml.recovery.off_policy import ESTIMATORS, Log, contributions, evaluate
from ml.recovery.policy import OUTCOME
from ml.recovery.policy_leaves import assign
from ml.recovery.policy_verdict import log_of, one_hot
from models.policy import Policy

Floats = NDArray[np.float64]
TOLERANCE = 0.02
COMPANIES = ("bank", "telecom")


def main() -> None:
    """Learn in worlds, put what was learned to others, and print the closing line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--customers", type=int, default=8000)
    parser.add_argument("--large", type=int, default=10)
    parser.add_argument("--large-customers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    used = measure(lambda: contests(asked.worlds, asked.customers))
    outcomes, policy = used.result
    helping = interval([one.learned - one.rules for one in contests(asked.worlds, asked.customers, alone=False)[0]])
    over_rules = interval([one.learned - one.rules for one in outcomes])
    over_risk = interval([one.short_learned - one.short_risk for one in outcomes])
    told, held = on_policy(policy, asked.large, asked.large_customers)
    bandit = [bandit_error(seed) for seed in range(5)]
    away, refused, cost = oracle_distance(), refuses(), budget_cost(asked.rounds)
    left = min(mean(outcomes, "best", "rules"), mean(outcomes, "best", "short_risk")) / mean(
        outcomes, "best", "learned"
    )
    guard = (
        over_rules[1] > 0 and helping[1] > 0 and over_risk[1] > 0 and abs(told) <= TOLERANCE and held >= 0.8
        and max(map(abs, bandit)) <= TOLERANCE and refused and away < 1e-12
    )  # fmt: skip
    finish(
        "policy", left, guard=guard, over_rules_usd=over_rules[0], over_rules_low=over_rules[1], helping_usd=helping[0],
        helping_low=helping[1], over_risk_usd=over_risk[0], over_risk_low=over_risk[1], dr_error=told, dr_held=held,
        bandit_error=max(bandit, key=abs), refused=refused, oracle_distance=away, worlds=asked.worlds, lp_ratio=cost[0],
        budget_gap=cost[1], cpu_s=used.cpu, wall_s=used.wall,
    )  # fmt: skip


def contests(worlds: int, customers: int, *, alone: bool = True) -> tuple[list[Outcome], Policy]:
    """Learn in one world, judge in another, for each pair; also the policy learned last at the first company.

    Without `alone` nobody may be left without any playbook, as the programmes stand.
    """
    outcomes, kept = list[Outcome](), None
    for number in range(worlds):
        company = COMPANIES[number % len(COMPANIES)]
        past, fresh = (draw(seed + number, customers, company, alone=alone) for seed in (100, 500))
        learned = learned_in(past, number)
        one = contest(learned.policy, past, fresh)
        kept = learned.policy if company == COMPANIES[0] or kept is None else kept
        outcomes.append(one)
        print(
            f"  {company:<8}{len(past.kept):6d} attempts, {learned.candidate:<7} net margin per case: rules {one.rules:6.2f}  "
            f"learned {one.learned:6.2f}  best tree {one.best:6.2f}  shortest arm {one.nothing:6.2f}  | short of "
            f"hands: riskiest first {one.short_risk:6.2f}  learned {one.short_learned:6.2f}  hour worth {one.hour_usd:.2f}",
            flush=True,
        )
    assert kept is not None, "at least one world"
    return outcomes, kept


def on_policy(policy: Policy, worlds: int, customers: int) -> tuple[float, float]:
    """Mean error of the doubly robust value as a share of the true one, and how often its interval held the truth.

    Logged choices of other people, propensities estimated; the truth is what the policy would have earned on these cases.
    """
    errors, truths, held = list[float](), list[float](), list[bool]()
    for number in range(worlds):
        world = draw(900 + number, customers, COMPANIES[0])
        action = assign(policy, world.data)
        found = evaluate(log_of(world.seen.attempts, world.fitted, OUTCOME, world.kept), one_hot(action, len(policy.arms)),
                         draws=200)  # fmt: skip
        dr, truth = found.of("dr"), world.earns(action)
        if dr.value is None or dr.low is None or dr.high is None:
            continue
        errors.append(dr.value - truth)
        truths.append(truth)
        held.append(dr.low <= truth <= dr.high)
        others = "  ".join(f"{one.estimator} {one.value:.2f}" for one in found.estimates)
        print(f"  {len(world.kept)} attempts: true {truth:.2f}  {others}  ({dr.low:.2f} to {dr.high:.2f})", flush=True)
    point, low, high = interval(errors)
    print(f"  error of DR {point:+.2f} USD ({low:+.2f} to {high:+.2f}) of {np.mean(truths):.2f}")
    return point / float(np.mean(truths)), float(np.mean(held))


def bandit_error(seed: int, *, rounds: int = 50_000, actions: int = 10, dim: int = 5) -> float:
    """Error of DR as a share of the truth where rewards and propensities are known: logistic rewards of a context."""
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(rounds, dim))
    chance = 1 / (1 + np.exp(-(context @ rng.normal(size=(dim, actions)) + rng.normal(size=actions) - 1)))
    propensity = softmax(0.5 * context @ rng.normal(size=(dim, actions)))
    action = (propensity.cumsum(axis=1) < rng.random((rounds, 1))).sum(axis=1).clip(0, actions - 1)
    reward = (rng.random(rounds) < chance[np.arange(rounds), action]).astype(np.float64)
    # A model that is off on purpose: DR has to correct it.
    model = np.clip(0.6 * chance + 0.2 + rng.normal(0, 0.1, chance.shape), 0, 1)
    target = softmax(6 * chance)
    dr = evaluate(Log(action, reward, propensity, np.arange(rounds), model), target, draws=200).of("dr")
    truth = float((target * chance).sum(axis=1).mean())
    return (dr.value or np.inf) / truth - 1


def refuses() -> bool:
    """Whether every estimator stays silent on many rounds that are worth few."""
    rng = np.random.default_rng(1)
    propensity = np.tile([0.996, 0.004], (10_000, 1))
    action = (rng.random(10_000) < 0.004).astype(np.int64)
    log = Log(action, rng.normal(size=10_000), propensity, np.arange(10_000), np.zeros((10_000, 2)))
    found = evaluate(log, one_hot(np.ones(10_000, dtype=np.int64), 2), draws=50)
    return found.support.ess < 100 and all(one.value is None and one.refused for one in found.estimates)


def oracle_distance(rounds: int = 2000, arms: int = 5, switch_at: float = 2.0) -> float:
    """Largest distance of any estimator to its formula, added up row by row in plain Python."""
    rng = np.random.default_rng(2)
    propensity, target = softmax(rng.normal(size=(rounds, arms))), softmax(2 * rng.normal(size=(rounds, arms)))
    action = (propensity.cumsum(axis=1) < rng.random((rounds, 1))).sum(axis=1).clip(0, arms - 1)
    log = Log(action, rng.normal(size=rounds), propensity, np.arange(rounds), rng.normal(size=(rounds, arms)))
    assert log.mu is not None
    weights = [float(target[i, a] / propensity[i, a]) for i, a in enumerate(action)]
    earned = fsum(w * r for w, r in zip(weights, log.reward.tolist(), strict=True))
    direct = fsum(
        p * m for row, by in zip(target.tolist(), log.mu.tolist(), strict=True) for p, m in zip(row, by, strict=True)
    )
    wrong = [
        w * (float(log.reward[i]) - float(log.mu[i, a])) for i, (a, w) in enumerate(zip(action, weights, strict=True))
    ]
    by_hand = {
        "ips": earned / rounds, "snips": earned / fsum(weights), "dm": direct / rounds,
        "dr": (direct + fsum(wrong)) / rounds,
        "switch_dr": (direct + fsum(c for c, w in zip(wrong, weights, strict=True) if w <= switch_at)) / rounds,
    }  # fmt: skip
    return max(abs(float(contributions(log, target, e, switch_at=switch_at).mean()) - by_hand[e]) for e in ESTIMATORS)


def budget_cost(rounds: int, cases: int = 5000) -> tuple[float, float]:
    """CPU of the linear programme over ours on the same cases, and ours' gap to the bound."""
    rng = np.random.default_rng(3)
    minutes = np.column_stack([np.zeros(cases), *(rng.uniform(a, b, cases) for a, b in ((5, 20), (15, 40), (60, 120)))])
    value = np.column_stack([np.zeros(cases), *(rng.normal(m, s, cases) for m, s in ((2, 6), (5, 10), (8, 20)))])
    budget = 5.0 * cases
    arms = {"ours": lambda: within_budget(value, minutes, budget), "HiGHS": lambda: programme(value, minutes, budget)}
    runs = interleave(arms, rounds=rounds, warm_up=1)
    for run in runs.values():
        print(run.line())
    assert runs["HiGHS"].result <= runs["ours"].result.bound_usd + 1e-6, "the bound is none"
    return ratio(runs["HiGHS"].cpu, runs["ours"].cpu), runs["ours"].result.gap


def programme(value: Floats, minutes: Floats, budget: float) -> float:
    """Value of the linear programme: one arm in all for each case, minutes within the budget."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, kron

    cases, arms = value.shape
    one = kron(eye_array(cases), np.ones((1, arms)), format="csr")
    found = linprog(-value.ravel(), A_ub=csr_array(minutes.ravel()[None]), b_ub=[budget], A_eq=one, b_eq=np.ones(cases),
                    bounds=(0, 1), method="highs")  # fmt: skip
    return float(-found.fun)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of independent values and its 95 % interval by Student's t; infinitely wide for one value."""
    point, n = float(np.mean(values)), len(values)
    width = float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    return point, point - width, point + width


def mean(outcomes: Sequence[Outcome], above: str, below: str) -> float:
    """Mean difference of two figures of the outcomes."""
    return float(np.mean([getattr(one, above) - getattr(one, below) for one in outcomes]))


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1."""
    weight = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
