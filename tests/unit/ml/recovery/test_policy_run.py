"""A week's learning in one call: from the table to a named bundle with its evidence, and a frozen policy judged later."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from intake.programme import load_programme
from ml.recovery import encoding
from ml.recovery.policy_run import Report, judge_policy, learn_policy
from ml.recovery.roll_out import KIND, propose, saved_policy
from ml.store import ModelStore
from models.playbook import Playbook
from models.policy import Policy, choose
from models.programme import Programme

AS_OF = dt.datetime(2026, 7, 5, tzinfo=dt.UTC)
BANK = load_programme(Path(__file__).resolve().parents[4] / "programme" / "bank")


def books(programme: Programme) -> list[Playbook]:
    return [item.playbook for item in programme.playbooks]


def table(n: int = 2400, seed: int = 0) -> pa.Table:
    """Attempts of a bank where an apology earns 25 dollars more than any other playbook, a refund 25 dollars less."""
    rng = np.random.default_rng(seed)
    severity, journey = rng.integers(1, 5, n), rng.choice(["everyday", "support"], n)
    value = rng.lognormal(6, 0.5, n)
    arms = np.array(["none", "apology", "callback", "refund", "specialist"])
    arm = rng.choice(arms, n, p=[0.2, 0.3, 0.2, 0.2, 0.1])
    net = value / 20 + 25.0 * (arm == "apology") - 25.0 * (arm == "refund") + rng.normal(0, 15, n)
    columns: dict[str, object] = {name: ["same"] * n for name in encoding.LEVELS}
    columns |= {name: rng.gamma(2.0, 5.0, n) for name in (*encoding.MONEY, *encoding.NUMBERS)}
    outcomes = ("margin_90d_usd", "revenue_90d_usd", "margin_placebo_usd", "days_to_churn", "days_observed_after")
    columns |= {name: rng.normal(size=n) for name in outcomes}
    columns |= {
        "attempt_id": [f"a{place}" for place in range(n)],
        "customer_id": [f"c{place // 2}" for place in range(n)],
        "severity": severity, "journey": journey, "annual_value_usd": value, "is_vulnerable": rng.random(n) < 0.05,
        "segment": rng.choice(["mass", "private"], n), "cause_id": rng.choice(["fee", "card"], n),
        "playbook_code": arm, "net_margin_90d_usd": net,
        "first_action_at": [dt.datetime(2026, 1, 1) + dt.timedelta(hours=place) for place in range(n)],
        "is_recovered": rng.random(n) < 0.5, "is_retained_90d": rng.random(n) < 0.9,
        "is_outcome_mature": [True] * n, "is_mature_90d": [True] * n,
        "offer_usd": [0.0] * n, "effort_cost_usd": [0.0] * n,
    }  # fmt: skip
    return pa.table(columns)


@pytest.fixture(scope="module")
def report() -> Report:
    """What is learned from the planted table under the bank's programme."""
    return learn_policy(table(), books(BANK), BANK.recommendation, as_of=AS_OF)


def test_the_playbook_that_truly_earns_most_is_learned_where_the_programme_leaves_it_open(report: Report) -> None:
    assert report.learned.candidate != "rules"
    facts = {"kind": "recovery", "severity": 3, "journey": "everyday", "segment": "mass", "value_usd": 500.0}
    choice = choose(report.learned.policy, facts, ("apology", "callback", "refund"))
    assert choice.code == "apology"
    assert choice.expected_value_usd is not None and choice.low is not None and choice.high is not None


def test_a_policy_is_named_after_its_day_and_content_so_the_same_table_gives_the_same_name(report: Report) -> None:
    again = learn_policy(table(), books(BANK), BANK.recommendation, as_of=AS_OF)
    assert again.learned.policy == report.learned.policy
    assert "20260705" in report.learned.policy.policy_id


def test_what_is_proposed_comes_back_with_its_evidence(report: Report, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    propose(store, report.learned.policy, report.about)
    waiting = store.pending(KIND)
    assert waiting is not None
    assert json.loads(json.dumps(waiting["about"]))["gates"] == report.about["gates"]
    assert saved_policy(store, report.learned.policy.policy_id) == report.learned.policy


def test_every_table_names_the_policy(report: Report) -> None:
    assert set(report.tables) == {"policy", "policy_value", "policy_curve"}
    for rows in report.tables.values():
        assert set(rows.column("policy_id").to_pylist()) == {report.learned.policy.policy_id}


def test_a_frozen_policy_is_judged_on_outcomes_it_could_not_have_seen(report: Report) -> None:
    earlier = report.learned.policy.model_copy(update={"as_of": "2026-04-15T00:00:00+00:00"})
    found = judge_policy(earlier, table(), books(BANK), BANK.recommendation)
    assert found is not None
    # Attempts are an hour apart from 1 January; what was begun by 15 January had its 90 days by 15 April.
    assert {row.estimate.n for row in found.values} == {2400 - 14 * 24 - 1}


def test_a_frozen_policy_is_not_judged_on_what_it_was_learned_from(report: Report) -> None:
    later = report.learned.policy.model_copy(update={"as_of": "2027-01-01T00:00:00+00:00"})
    assert judge_policy(later, table(), books(BANK), BANK.recommendation) is None


def test_a_champion_takes_the_place_of_the_rules_in_the_comparison(report: Report) -> None:
    policy: Policy = report.learned.policy
    again = learn_policy(table(), books(BANK), BANK.recommendation, as_of=AS_OF, current=policy, share=0.1)
    gain = next(gate for gate in again.verdict.gates if gate.name == "gain")
    assert not gain.passed


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        learn_policy(table(), books(BANK), BANK.recommendation, as_of=dt.datetime(2026, 7, 5))
