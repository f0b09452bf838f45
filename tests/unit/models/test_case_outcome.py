"""Counts, intervals and the recovered criterion."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from models.lineage import Lineage, walk
from models.outcome import Ratio, RecoveredCriterion
from models.playbook import Offer, Playbook

pairs = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(pairs, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_is_wilsons(counts: tuple[int, int], confidence: float) -> None:
    low, high = Ratio(*counts).wilson(confidence) or (0, 0)
    expected = proportion_confint(*counts, alpha=1 - confidence, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


def test_nothing_judged_has_neither_value_nor_interval() -> None:
    assert Ratio(0, 0, excluded=3, missing=2).value is None
    assert Ratio(0, 0).wilson() is None


def test_shares_are_added_not_averaged() -> None:
    total = Ratio(1, 2, 1, 0) + Ratio(9, 98, 0, 4)
    assert (total, total.value) == (Ratio(10, 100, 1, 4), 0.1)


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2), (0, 2, -1), (0, 2, 0, -1)])
def test_counts_that_cannot_be_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        Ratio(*counts)


@pytest.mark.parametrize(
    ("answers", "recontacted", "expected"),
    [
        ({"nps": 7}, False, True),
        ({"nps": 6}, False, False),
        ({"csat": 4, "nps": 2}, False, True),
        ({"confirmed": True}, False, True),
        ({"nps": 10}, True, False),
        ({"nps": 10}, None, None),
        ({}, False, None),
        ({}, True, False),
        ({"ces": 7}, False, None),
    ],
)
def test_recovered_needs_an_answer_and_no_recontact(
    answers: dict[str, float], recontacted: bool | None, expected: bool | None
) -> None:
    assert RecoveredCriterion().recovered(recontacted=recontacted, **answers) is expected


def test_an_offer_stays_under_every_limit() -> None:
    offer = Offer.model_validate(
        {
            "code": "voucher",
            "title": "Voucher",
            "cap_usd_by_severity": {1: 100, 3: 20},
            "per_customer_12_months_usd": 120,
            "max_per_customer_12_months": 3,
            "approvals": [{"above_usd": 50, "role": "team_lead"}, {"above_usd": 90, "role": "manager"}],
        }
    )
    fresh = {"spent_12_months_usd": Decimal(0), "given_12_months": 0}
    assert offer.allowed_usd(severity=1, **fresh) == 100
    assert offer.allowed_usd(severity=2, **fresh) == 0
    assert offer.allowed_usd(severity=1, spent_12_months_usd=Decimal(70), given_12_months=1) == 50
    assert offer.allowed_usd(severity=1, spent_12_months_usd=Decimal(200), given_12_months=1) == 0
    assert offer.allowed_usd(severity=1, spent_12_months_usd=Decimal(0), given_12_months=3) == 0
    assert [offer.approver(Decimal(usd)) for usd in (50, 51, 91)] == [None, "team_lead", "manager"]


def test_a_playbook_is_used_only_where_it_may_be() -> None:
    playbook = Playbook.model_validate(
        {
            "code": "callback",
            "title": "Call back",
            "steps": [{"code": "call", "title": "Call"}],
            "eligibility": {"all": [{"field": "severity", "op": "lte", "value": 2}]},
        }
    )
    assert playbook.eligible({"severity": 1})
    assert not playbook.eligible({"severity": 3})
    assert not playbook.eligible({})


def test_the_way_back_says_what_is_not_recorded() -> None:
    steps = walk("C-1", {"trigger_id": "t", "rule_id": "r", "rule_hash": "h"}, Lineage.from_mapping({"other": 1}))
    assert [step.what for step in steps] == ["case", "trigger", "signal", "raw row", "model", "run"]
    assert "not recorded" in steps[3].detail
    assert Lineage(source="complaints", line=3).as_dict() == {"source": "complaints", "line": 3}
