"""Revenue at risk against planted chances of leaving, and the three lines that are never added up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ml.recovery.at_risk import REVENUE, AtRisk, at_risk, gross_margin, revenue_table
from ml.recovery.attempts import Attempts
from ml.recovery.effect import effect
from ml.recovery.nuisance import nuisances
from tests.unit.ml.recovery.worlds import planted

AS_OF = datetime(2026, 7, 6, tzinfo=UTC)


def risk_of(attempts: Attempts, *, severity: str = "3", seed: int = 0) -> AtRisk:
    customers = np.array([f"K{number}" for number in range(50)])
    fitted = nuisances(attempts, "retained_90d", seed=seed)
    return at_risk(customers, np.full(50, 3650.0), np.full(50, severity), attempts, fitted)


def test_what_is_at_risk_is_worth_times_the_chance_to_leave_if_nothing_were_done() -> None:
    """Fifty customers worth 900 USD in 90 days: the truth is the share of all attempts like theirs who would have left
    untreated, also of those who were treated; the interval covers it as often as it promises."""
    _, large = planted(60_000, 77)
    severity = planted(60_000, 77)[0].groups["severity"] == "3"
    truth = 50 * 900 * (1 - large.potential["retained_90d"][severity, 0].mean())
    found = [risk_of(planted(2000, seed)[0], seed=seed) for seed in range(30)]
    assert found[0].value_usd == pytest.approx(45_000)
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.85
    assert np.mean([one.point for one in found]) == pytest.approx(truth, rel=0.05)


def test_a_customer_with_several_open_cases_counts_once_and_one_of_unknown_value_not_at_all() -> None:
    attempts, _ = planted(2000, 1)
    fitted = nuisances(attempts, "retained_90d")
    names, values = np.array(["K1", "K2", "K1", "K3"]), np.array([365.0, 730.0, 365.0, np.nan])
    found = at_risk(names, values, np.array(["2", "3", "4", "2"]), attempts, fitted)
    assert (found.n, found.n_unknown) == (2, 1)
    assert found.value_usd == pytest.approx(90 + 180)


def test_the_gravest_who_are_never_left_alone_borrow_the_chance_of_the_next_and_are_counted() -> None:
    attempts, _ = planted(3000, 2)
    kept = attempts.take(~((attempts.groups["severity"] == "1") & (attempts.arm == 0)))
    gravest, next_to_it = risk_of(kept, severity="1"), risk_of(kept, severity="2")
    assert (gravest.n_borrowed, next_to_it.n_borrowed) == (50, 0)
    assert gravest.point == pytest.approx(next_to_it.point)
    assert risk_of(kept, severity="unknown").n_borrowed == 50


def test_where_hardly_anybody_was_left_alone_there_is_a_reason_and_no_figure() -> None:
    attempts, _ = planted(1000, 3)
    alone = np.flatnonzero(attempts.arm == 0)
    few = attempts.take(np.sort(np.concatenate([np.flatnonzero(attempts.arm > 0), alone[:7]])))
    found = risk_of(few)
    assert found.reason == "7 attempts in which nothing was done have an outcome: 20 are needed"
    assert np.isnan([found.point, found.low, found.high]).all()
    assert found.value_usd == pytest.approx(45_000)


def test_without_open_cases_nothing_is_at_risk() -> None:
    attempts, _ = planted(1000, 4)
    nobody = np.array([], dtype=np.str_)
    found = at_risk(nobody, np.array([]), nobody, attempts, nuisances(attempts, "retained_90d"))
    assert (found.n, found.point, found.low, found.high) == (0, 0.0, 0.0, 0.0)


def test_the_gross_line_counts_a_customer_once_and_only_those_helped_who_stayed() -> None:
    attempts, _ = planted(6, 1)
    attempts = replace(
        attempts,
        cluster=np.array([0, 0, 1, 2, 3, 4]),
        arm=np.array([1, 2, 0, 1, 1, 2]),
        anchored_at=np.datetime64("2026-01-01") + np.array([5, 1, 0, 0, 0, 0]).astype("timedelta64[D]"),
        outcomes={
            "margin_90d": np.array([70.0, 50.0, 90.0, 20.0, 30.0, np.nan]),
            "retained_90d": np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
        },
    )
    assert gross_margin(attempts) == (80.0, 2)


def test_the_three_lines_stand_apart_and_only_the_last_is_causal() -> None:
    attempts, _ = planted(2000, 5)
    net = attempts.outcome("margin_90d") if "margin_90d" in attempts.outcomes else attempts.outcome("net_margin_90d")
    attempts = replace(attempts, outcomes={**attempts.outcomes, "margin_90d": net, "net_margin_90d": net})
    pooled = replace(attempts, arms=("none", "any playbook"), arm=(attempts.arm > 0).astype(np.int64))
    saved = effect(pooled, "net_margin_90d", pooled.arms[1])
    table = revenue_table(risk_of(attempts), attempts, saved, as_of=AS_OF)
    assert table.schema == REVENUE
    identified, gross, last = table.to_pylist()
    assert [row["line"] for row in (identified, gross, last)] == ["identified", "gross_not_causal", "saved"]
    assert [row["is_causal"] for row in (identified, gross, last)] == [False, False, True]
    assert identified["low"] < identified["point"] < identified["high"] < identified["value_usd"]
    assert (gross["low"], gross["high"]) == (None, None)
    assert last["point"] == pytest.approx(saved.total)
    assert last["low"] < last["point"] < last["high"]
    assert gross["point"] > 2 * last["point"]
    with pytest.raises(ValueError, match="not on retained_90d"):
        revenue_table(risk_of(attempts), attempts, effect(pooled, "retained_90d", pooled.arms[1]), as_of=AS_OF)


def test_what_cannot_be_is_refused() -> None:
    attempts, _ = planted(500, 6)
    fitted = nuisances(attempts, "retained_90d")
    with pytest.raises(ValueError, match="one entry for each case"):
        at_risk(np.array(["K1"]), np.array([1.0, 2.0]), np.array(["1"]), attempts, fitted)
    with pytest.raises(ValueError, match="less than nothing"):
        at_risk(np.array(["K1"]), np.array([-1.0]), np.array(["1"]), attempts, fitted)
