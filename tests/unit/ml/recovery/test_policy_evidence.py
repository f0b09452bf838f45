"""What speaks for a policy when somebody decides: how it was judged, what came in since, and against whom."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ml.recovery.policy_evidence import evidence, naive
from models.policy import Policy
from models.trial import RULES, RollOut
from tests.unit.ml.recovery.test_policy_run import BANK, books, table
from tests.unit.models.learned import best

JUDGED = {"gates": [{"name": "gain", "passed": True, "why": "well"}], "against": None, "values": []}


@pytest.fixture(scope="module")
def drawn() -> pa.Table:
    """A bank where an apology earns 25 dollars more than others and a refund 25 less, with the chances of each draw."""
    found = table(2000)
    for code, chance in {"none": 0.2, "apology": 0.3, "callback": 0.2, "refund": 0.2, "specialist": 0.1}.items():
        found = found.append_column(f"propensity_{code}", pa.array([chance] * found.num_rows))
    return found


def learned_long_ago(code: str) -> Policy:
    """A policy older than every attempt of the table."""
    return best(code).model_copy(update={"as_of": "2025-06-01T00:00:00+00:00"})


def closed(policy: Policy, drawn: pa.Table, known: dict[str, Any], now: RollOut = RULES) -> list[str]:
    found = evidence(policy, known, drawn, books(BANK), BANK.recommendation, now)
    shut = [gate["name"] for gate in found["gates"] if not gate["passed"]]
    assert found["passed"] is (not shut)
    assert all(name in found["verdict"] for name in shut)
    return shut


def test_outcomes_since_that_speak_against_a_policy_keep_it_out(drawn: pa.Table) -> None:
    assert closed(learned_long_ago("refund"), drawn, JUDGED) == ["since"]
    assert closed(learned_long_ago("apology"), drawn, JUDGED) == []


def test_without_outcomes_since_the_judgement_made_when_learned_decides(drawn: pa.Table) -> None:
    fresh = best("refund").model_copy(update={"as_of": "2027-01-01T00:00:00+00:00"})
    assert closed(fresh, drawn, JUDGED) == []
    assert closed(fresh, drawn, {**JUDGED, "gates": [{"name": "gain", "passed": False, "why": "no"}]}) == ["gain"]


def test_a_policy_nobody_judged_is_kept_out(drawn: pa.Table) -> None:
    assert closed(learned_long_ago("apology"), drawn, {}) == ["judgement"]


def test_another_champion_than_it_was_judged_against_calls_for_learning_anew(drawn: pa.Table) -> None:
    now = RollOut("r1", champion=best("callback"))
    assert "against" in closed(learned_long_ago("apology"), drawn, JUDGED, now)
    assert "against" not in closed(learned_long_ago("apology"), drawn, {**JUDGED, "against": "p-callback"}, now)


def test_the_naive_figure_compares_who_got_the_one_with_who_got_the_other(drawn: pa.Table) -> None:
    found = naive(best("refund"), drawn, books(BANK), BANK.recommendation, best("apology"))
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low < found.value < found.high
    # Planted: a refund earns 50 dollars less than an apology, and in the gravest cases 25 less than a specialist.
    assert -50 < found.value < -25


def test_the_naive_figure_of_a_policy_that_differs_nowhere_is_unknown(drawn: pa.Table) -> None:
    same = naive(best("refund"), drawn, books(BANK), BANK.recommendation, best("refund"))
    assert (same.value, same.n) == (None, 0)
