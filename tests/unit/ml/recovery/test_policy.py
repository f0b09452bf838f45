"""A policy is learned where the data bear it out against the rules, and the rules stay where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from intake.programme import load_programme
from ml.recovery.attempts import Attempts
from ml.recovery.nuisance import Nuisances, nuisances
from ml.recovery.policy import CANDIDATES, OUTCOME, Learned, learn, ready
from ml.recovery.policy_facts import Facts
from ml.recovery.policy_leaves import Scored, assign
from ml.recovery.policy_programme import programme_arms
from ml.recovery.policy_rows import curve_rows, policy_rows, value_rows
from ml.recovery.policy_verdict import SHARES, judge, next_share, policy_curve
from ml.recovery.roll_out import Gate
from models.recommendation import NothingEligible, ground
from tests.unit.ml.recovery.worlds import ARMS, Truth, planted

Ints = NDArray[np.int64]
ASKED = ("severity", "segment", "cause_id")


class World:
    """A planted world under rules that always take one arm, and what is learned in it."""

    def __init__(self, seed: int, rule: str, n: int = 3000) -> None:
        self.attempts, self.truth = planted(n, seed)
        self.facts = facts_of(self.attempts)
        self.fitted = {name: nuisances(self.attempts, name, folds=3) for name in (OUTCOME, "recovered", "retained_90d")}
        rules = np.full(n, ARMS.index(rule), dtype=np.int64)
        eligible = np.ones((n, len(ARMS)), dtype=bool)
        self.data, self.kept = ready(self.attempts, self.facts, self.fitted[OUTCOME], eligible, rules)
        self.learned = learn(self.data, policy_id="P", as_of="2026-07-05", fields=ASKED, folds=3)

    def gain(self, action: Ints) -> float:
        """What an action for each attempt truly earns more than the rules, per attempt."""
        worth = self.truth.potential[OUTCOME][self.kept]
        rows = np.arange(len(self.kept))
        return float((worth[rows, action] - worth[rows, self.data.rules]).mean())


def facts_of(attempts: Attempts) -> Facts:
    return Facts(
        {
            "severity": attempts.groups["severity"].astype(np.float64),
            "segment": attempts.groups["segment"],
            "cause_id": attempts.groups["cause"],
        }
    )


@pytest.fixture(scope="module")
def callback_rules() -> World:
    """Rules call everybody back, though refunds earn more."""
    return World(1, "callback")


@pytest.fixture(scope="module")
def refund_rules() -> World:
    """Rules refund everybody, which nearly nothing beats."""
    return World(2, "refund")


def test_what_is_learned_truly_earns_more_than_the_rules(callback_rules: World) -> None:
    learned = callback_rules.learned
    assert learned.candidate != "rules"
    assert callback_rules.gain(assign(learned.policy, callback_rules.data)) > 5
    assert callback_rules.gain(learned.held_out) > 5


def test_the_interval_of_the_chosen_policy_holds_its_true_gain(callback_rules: World) -> None:
    chosen = next(one for one in callback_rules.learned.comparison if one.is_chosen)
    assert chosen.low_usd <= callback_rules.gain(callback_rules.learned.held_out) <= chosen.high_usd


def test_every_candidate_stands_in_the_comparison_and_one_is_chosen(callback_rules: World) -> None:
    comparison = callback_rules.learned.comparison
    assert tuple(one.candidate for one in comparison) == CANDIDATES
    assert [one.candidate for one in comparison if one.is_chosen] == [callback_rules.learned.candidate]
    assert [one.candidate for one in comparison if not one.is_served] == ["score"]


def test_the_simplest_of_those_as_good_as_the_best_is_taken(callback_rules: World) -> None:
    by_name = {one.candidate: one for one in callback_rules.learned.comparison}
    simpler = CANDIDATES[1 : CANDIDATES.index(callback_rules.learned.candidate)]
    best = max(one.gain_usd for one in callback_rules.learned.comparison if one.is_served)
    assert all(by_name[name].gain_usd < best for name in simpler)


def test_where_the_rules_are_as_good_as_it_gets_they_stay_and_the_reason_is_given(refund_rules: World) -> None:
    learned = refund_rules.learned
    assert learned.candidate == "rules"
    assert learned.policy.root is None
    assert "no policy beats the rules beyond doubt" in learned.why
    assert (learned.held_out == refund_rules.data.rules).all()


def test_learning_twice_gives_the_same_policy(callback_rules: World) -> None:
    again = learn(callback_rules.data, policy_id="P", as_of="2026-07-05", fields=ASKED, folds=3)
    assert again.policy == callback_rules.learned.policy


def test_too_few_attempts_are_refused_with_both_figures(callback_rules: World) -> None:
    with pytest.raises(ValueError, match="999 attempts with known outcome; a policy is learned from at least 1000"):
        learn(callback_rules.data.take(np.arange(999)), policy_id="P", as_of="x")


def test_attempts_without_an_outcome_or_an_arm_of_the_rules_are_left_out(callback_rules: World) -> None:
    attempts, n = callback_rules.attempts, len(callback_rules.attempts)
    known = attempts.outcomes[OUTCOME].copy()
    known[:100] = np.nan
    rules = np.full(n, 2)
    rules[100:150] = -1
    part = replace(attempts, outcomes=dict(attempts.outcomes) | {OUTCOME: known})
    data, kept = ready(part, callback_rules.facts, callback_rules.fitted[OUTCOME], np.ones((n, 4), bool), rules)
    assert len(data) == n - 150
    assert kept.min() == 150


def test_an_arm_hardly_ever_given_to_such_cases_is_closed_to_the_policy_there(callback_rules: World) -> None:
    fitted = callback_rules.fitted[OUTCOME]
    rare = fitted.propensity.copy()
    rare[:500, 1] = 0.001
    seldom = Nuisances(fitted.mu, rare, fitted.fold, fitted.known)
    n = len(callback_rules.attempts)
    data, _ = ready(callback_rules.attempts, callback_rules.facts, seldom, np.ones((n, 4), bool), np.full(n, 2))
    assert not data.eligible[:500, 1].any()
    assert data.eligible[:, 2].all()


def verdict_on(world: World, action: Ints, *, without: str = "") -> dict[str, Gate]:
    fitted = {name: found for name, found in world.fitted.items() if name != without}
    found = judge(world.attempts, fitted, world.data, world.kept, action, outcome=OUTCOME)
    return {gate.name: gate for gate in found.gates}


def test_a_policy_that_earns_more_and_harms_nobody_passes_every_gate_and_begins_with_a_tenth(
    callback_rules: World,
) -> None:
    w = callback_rules
    found = judge(w.attempts, w.fitted, w.data, w.kept, w.learned.held_out, outcome=OUTCOME)
    assert found.passed, [gate for gate in found.gates if not gate.passed]
    assert found.share == 0.1


def test_values_of_the_candidate_the_rules_doing_nothing_and_what_was_done_stand_beside_each_other(
    callback_rules: World,
) -> None:
    w = callback_rules
    found = judge(w.attempts, w.fitted, w.data, w.kept, w.learned.held_out, outcome=OUTCOME)
    rows = [row for row in found.values if row.outcome == OUTCOME and row.estimate.estimator == "dr"]
    assert [row.policy for row in rows] == ["candidate", "current", "rules", "none", "logged", "candidate"]
    logged = next(row for row in rows if row.policy == "logged").estimate.value
    assert logged == pytest.approx(w.attempts.outcomes[OUTCOME].mean(), abs=2)
    lead = rows[-1].estimate
    assert lead.low is not None and lead.high is not None
    assert lead.low <= w.gain(w.learned.held_out) <= lead.high


def test_margin_bought_with_customers_left_unhelped_is_stopped(refund_rules: World) -> None:
    severity = refund_rules.data.facts.columns["severity"]
    alone = np.where(severity == 1, refund_rules.data.rules, 0)
    gates = verdict_on(refund_rules, alone)
    assert not gates["no harm to recovered"].passed
    assert "points" in gates["no harm to recovered"].why


def test_leaving_a_grave_case_alone_closes_a_gate_whatever_it_earns(refund_rules: World) -> None:
    gate = verdict_on(refund_rules, np.zeros(len(refund_rules.data), dtype=np.int64))["guardrails"]
    assert not gate.passed
    assert "grave or vulnerable cases left alone" in gate.why


def test_an_outcome_nobody_fitted_closes_its_gate(callback_rules: World) -> None:
    gates = verdict_on(callback_rules, callback_rules.learned.held_out, without="recovered")
    assert not gates["no harm to recovered"].passed


def test_with_little_support_there_is_no_figure_and_no_promotion(callback_rules: World) -> None:
    few = callback_rules.data.take(np.arange(200))
    w = callback_rules
    found = judge(w.attempts, w.fitted, few, w.kept[:200], w.learned.held_out[:200], outcome=OUTCOME)
    gates = {gate.name: gate for gate in found.gates}
    assert not gates["gain"].passed and "too little support" in gates["gain"].why
    assert not gates["support"].passed
    assert found.share is None


def test_a_share_grows_step_by_step_and_stops_at_a_closed_gate() -> None:
    good, bad = Gate("gain", True, ""), Gate("gain", False, "")
    assert [next_share((good,), share) for share in (0.0, *SHARES)] == [0.1, 0.5, 1.0, None]
    assert next_share((good, bad), 0.0) is None


def test_the_curve_ends_at_the_gain_of_all_and_begins_at_none(callback_rules: World) -> None:
    learned: Learned = callback_rules.learned
    gain = callback_rules.data.gains[np.arange(len(callback_rules.data)), learned.held_out]
    points = policy_curve(learned.predicted, gain, callback_rules.data.cluster, steps=4)
    assert [point.share for point in points] == [0, 0.25, 0.5, 0.75, 1]
    assert points[0].gain_usd == 0
    assert points[-1].gain_usd == pytest.approx(gain.mean())
    assert all(point.low_usd <= point.gain_usd <= point.high_usd for point in points)


@pytest.mark.parametrize("company", ["bank", "telecom"])
def test_many_cases_are_open_to_the_arms_the_programme_leaves_each_alone(company: str) -> None:
    loaded = load_programme(Path(__file__).resolve().parents[4] / "programme" / company)
    books = [item.playbook for item in loaded.playbooks]
    rng = np.random.default_rng(3)
    journeys = ["billing", "everyday", "support", "network", ""]
    facts = Facts(
        {
            "severity": rng.choice([1, 2, 3, 4, np.nan], 400),
            "journey": rng.choice(journeys, 400),
            "value_usd": np.where(rng.random(400) < 0.1, 1500.0, rng.lognormal(7, 1, 400)),
        }
    )
    arms = ("none", "apology", "callback", "refund", "specialist")
    eligible, taken = programme_arms(facts, arms, books, loaded.recommendation)
    for place in range(400):
        try:
            found = ground(books, facts.row(place) | {"kind": "recovery"}, loaded.recommendation)
        except NothingEligible:
            assert taken[place] == -1
            continue
        assert arms[taken[place]] == found.named[0]
        assert {arm for arm, may in zip(arms, eligible[place], strict=True) if may} <= found.eligible
        assert eligible[place, 0] == ("none" in found.named or found.rule.no_contact_may_be_tried)


def test_the_truth_of_these_worlds_is_not_what_the_rules_would_show(callback_rules: World) -> None:
    truth: Truth = callback_rules.truth
    data: Scored = callback_rules.data
    naive = [callback_rules.attempts.outcomes[OUTCOME][data.arm == arm].mean() for arm in (1, 2)]
    true = [truth.potential[OUTCOME][:, arm].mean() for arm in (1, 2)]
    assert abs((naive[0] - naive[1]) - (true[0] - true[1])) > 3


def test_what_was_learned_and_judged_fits_the_tables_of_the_warehouse(callback_rules: World) -> None:
    w = callback_rules
    found = judge(w.attempts, w.fitted, w.data, w.kept, w.learned.held_out, outcome=OUTCOME)
    as_of = datetime(2026, 7, 5, tzinfo=UTC)
    leaves, values = policy_rows(w.learned, found, as_of=as_of), value_rows(w.learned, found, as_of=as_of)
    assert leaves.num_rows == len(ARMS) * len(w.learned.policy.leaves)
    assert leaves.column("is_best").to_pylist().count(True) == len(w.learned.policy.leaves)
    assert values.num_rows == len(CANDIDATES) + len(found.values)
    assert len(set(values.column("value_id").to_pylist())) == values.num_rows
    points = policy_curve(w.learned.predicted, w.data.gains[:, 1], w.data.cluster, steps=4)
    assert curve_rows(w.learned.policy, points, as_of=as_of).num_rows == 5


def test_a_policy_of_rules_alone_is_one_row_that_offers_no_share(refund_rules: World) -> None:
    w = refund_rules
    found = judge(w.attempts, w.fitted, w.data, w.kept, w.learned.held_out, outcome=OUTCOME)
    (row,) = policy_rows(w.learned, found, as_of=datetime(2026, 7, 5, tzinfo=UTC)).to_pylist()
    assert (row["method"], row["leaf_id"], row["is_passed"], row["next_share"]) == ("rules", None, False, None)
