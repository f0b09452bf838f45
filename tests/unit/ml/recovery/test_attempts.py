"""Reading attempts: what each column becomes, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from ml.recovery import encoding
from ml.recovery.attempts import OUTCOMES, read_attempts

ROWS = 120


def table(**changed: list[object]) -> pa.Table:
    """120 attempts of 60 customers with three playbooks, complete unless changed."""
    random = np.random.default_rng(0)
    columns: dict[str, list[object]] = {name: [f"v{place % 3}" for place in range(ROWS)] for name in encoding.LEVELS}
    for name in (*encoding.MONEY, *encoding.NUMBERS):
        columns[name] = list(random.gamma(2.0, 50.0, ROWS))
    for name in OUTCOMES.values():
        columns[name] = list(random.normal(size=ROWS))
    for name in (*encoding.FLAGS, "is_outcome_mature", "is_mature_90d", "is_recovered", "is_retained_90d"):
        columns[name] = [bool(value) for value in random.random(ROWS) < 0.6]
    columns |= {
        "attempt_id": [f"a{place}" for place in range(ROWS)],
        "customer_id": [f"c{place // 2}" for place in range(ROWS)],
        "playbook_code": [["refund", "none", "callback"][place % 3] for place in range(ROWS)],
        "first_action_at": [dt.datetime(2026, 1, 1) + dt.timedelta(hours=place) for place in range(ROWS)],
        "offer_usd": [2.0] * ROWS,
        "effort_cost_usd": [None] * 10 + [0.5] * (ROWS - 10),
    }
    return pa.table(columns | changed)


def test_the_reference_comes_first_and_codes_point_at_the_playbooks() -> None:
    attempts = read_attempts(table())
    assert attempts.arms == ("none", "callback", "refund")
    assert [attempts.arms[arm] for arm in attempts.arm[:3]] == ["refund", "none", "callback"]


def test_two_attempts_of_a_customer_share_a_cluster() -> None:
    attempts = read_attempts(table())
    assert attempts.cluster[0] == attempts.cluster[1] != attempts.cluster[2]


def test_an_unknown_outcome_stays_unknown() -> None:
    attempts = read_attempts(table(is_recovered=[None, True, False] * 40))
    assert np.isnan(attempts.outcomes["recovered"][0])
    assert attempts.outcomes["recovered"][1:3].tolist() == [1.0, 0.0]


def test_an_attempt_too_young_is_not_due() -> None:
    attempts = read_attempts(table(is_mature_90d=[False, True] * 60))
    assert attempts.due("net_margin_90d")[:2].tolist() == [False, True]
    assert attempts.due("placebo").all()


def test_gaps_in_a_covariate_become_the_median_and_a_flag() -> None:
    attempts = read_attempts(table(sentiment=[None] * 30 + [0.5] * 45 + [0.9] * 45))
    values = dict(zip(attempts.names, attempts.covariates.T, strict=True))
    assert values["sentiment"][0] == 0.7
    assert values["sentiment?"].sum() == 30
    assert np.isfinite(attempts.covariates).all()


def test_rare_levels_share_a_column() -> None:
    attempts = read_attempts(table(region=["north"] * 100 + [f"island {place}" for place in range(20)]))
    values = dict(zip(attempts.names, attempts.covariates.T, strict=True))
    assert values["region=(other)"].sum() == 20
    assert not any(name.startswith("region=island") for name in attempts.names)


def test_the_richest_customer_counts_as_rich_and_no_more() -> None:
    attempts = read_attempts(table(annual_value_usd=[100.0] * 60 + [200.0] * 59 + [1e9]))
    values = dict(zip(attempts.names, attempts.covariates.T, strict=True))
    assert values["annual_value_usd (capped)"].max() == 200.0
    assert values["annual_value_usd"].max() == pytest.approx(np.log1p(1e9))


def test_an_encoded_column_names_its_source() -> None:
    assert [encoding.source(name) for name in ("severity=1", "sentiment?", "annual_value_usd (capped)")] == [
        "severity",
        "sentiment",
        "annual_value_usd",
    ]


def test_logged_propensities_are_read_where_every_arm_has_them() -> None:
    logged = {f"propensity_{arm}": [1 / 3] * ROWS for arm in ("none", "callback", "refund")}
    assert read_attempts(table()).propensity is None
    assert read_attempts(table(**logged)).propensity.shape == (ROWS, 3)


def test_taking_some_attempts_takes_them_everywhere() -> None:
    some = read_attempts(table()).take(np.array([4, 2]))
    assert some.ids.tolist() == ["a4", "a2"]
    assert len(some) == len(some.cost) == len(some.due("recovered")) == len(some.groups["cause"]) == 2


def test_an_empty_table_gives_no_attempts_and_the_reference_alone() -> None:
    attempts = read_attempts(table().slice(0, 0))
    assert (len(attempts), attempts.arms) == (0, ("none",))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"attempt_id": ["a"] * ROWS}, "attempt_id .* doubled"),
        ({"customer_id": [None] + ["c"] * (ROWS - 1)}, "customer_id .* 1 empty"),
        ({"tenure_days": ["long"] * ROWS}, "tenure_days .* must hold numbers"),
        ({"margin_90d_usd": [float("inf")] * ROWS}, "margin_90d_usd .* infinite"),
        ({f"propensity_{arm}": [0.5] * ROWS for arm in ("none", "callback", "refund")}, "propensity_none.* sum to 1"),
    ],
)
def test_a_bad_column_is_refused_by_name(changed: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_attempts(table(**changed))


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="cause_id is missing"):
        read_attempts(table().drop_columns("cause_id"))


def test_an_unknown_outcome_or_playbook_is_refused_by_name() -> None:
    attempts = read_attempts(table())
    with pytest.raises(ValueError, match="unknown outcome 'joy'"):
        attempts.outcome("joy")
    with pytest.raises(ValueError, match="unknown playbook 'voucher'"):
        attempts.arm_index("voucher")
