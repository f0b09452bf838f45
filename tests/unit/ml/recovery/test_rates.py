"""Rows of recovery rates and of recovery NPS, and which answers they take for which attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml.recovery.nps_pairs import NPS, nps_pairs, nps_table
from ml.recovery.rates import RATE, rate_table
from ml.recovery.response import recovery_rate, response_chances
from tests.unit.ml.recovery.worlds import planted

AS_OF = datetime(2026, 7, 6, tzinfo=UTC)
DAY0 = datetime(2026, 1, 1)


def attempt(
    customer: str, playbook: str, day: float, *, post: float | None = None, mature: bool = True
) -> dict[str, Any]:
    at = DAY0 + timedelta(days=day)
    return {"customer_id": customer, "playbook_code": playbook, "first_action_at": at,
            "resolved_at": at + timedelta(days=1), "post_nps": post, "is_outcome_mature": mature}  # fmt: skip


def answer(customer: str | None, day: float, score: float) -> dict[str, Any]:
    return {"customer_id": customer, "occurred_at": DAY0 + timedelta(days=day), "score_value": score}


def test_rates_are_told_of_all_of_those_treated_of_each_playbook_and_of_parts_of_the_treated() -> None:
    attempts, _ = planted(1500, 4, answer_rate=0.5)
    back = np.zeros(1500, dtype=bool)
    table = rate_table(pa.table({"is_recontacted": back}), attempts, as_of=AS_OF)
    assert table.schema == RATE
    rows = {(row["level"], row["subject"]): row for row in table.to_pylist()}
    assert len({row["rate_id"] for row in rows.values()}) == len(rows)
    everybody, treated = rows["all", "all"], rows["treated", "any playbook"]
    arms = [row for (level, _), row in rows.items() if level == "playbook"]
    assert everybody["n"] == 1500 == sum(row["n"] for row in arms)
    assert treated["n"] == 1500 - rows["playbook", "none"]["n"]
    assert treated["n"] == sum(row["n"] for (level, _), row in rows.items() if level == "severity")
    assert everybody["n_known"] == int((~np.isnan(attempts.outcome("recovered"))).sum())
    chosen = np.column_stack([attempts.covariates, np.eye(4)[attempts.arm][:, 1:]])
    seen = attempts.outcome("recovered")
    chances = response_chances(chosen, attempts.cluster, ~np.isnan(seen), back)
    assert everybody["adjusted"] == pytest.approx(recovery_rate(seen, back, chances, attempts.cluster).adjusted)


def test_a_rate_with_too_few_answers_has_a_reason_and_an_empty_figure() -> None:
    attempts, _ = planted(80, 4, answer_rate=0.2)
    row = rate_table(pa.table({"is_recontacted": np.zeros(80, dtype=bool)}), attempts, as_of=AS_OF).to_pylist()[0]
    assert row["adjusted"] is None and "cannot speak for" in row["reason"]
    assert row["worst"] is not None


def test_a_table_that_does_not_belong_to_the_attempts_is_refused() -> None:
    attempts, _ = planted(100, 1)
    with pytest.raises(ValueError, match="another table"):
        rate_table(pa.table({"is_recontacted": [True]}), attempts, as_of=AS_OF)
    with pytest.raises(ValueError, match="is_recontacted is missing"):
        rate_table(pa.table({"other": np.zeros(100)}), attempts, as_of=AS_OF)


def test_the_first_answer_is_the_last_one_strictly_before_the_decision_and_not_older_than_a_year() -> None:
    attempts = pa.Table.from_pylist([
        attempt("K1", "refund", 100, post=9), attempt("K2", "refund", 100), attempt("K3", "refund", 100, post=8),
        attempt("K4", "refund", 100, post=8), attempt("K5", "refund", 100, post=8, mature=False),
    ])  # fmt: skip
    answers = pa.Table.from_pylist([
        answer("K1", 10, 2), answer("K1", 90, 4), answer("K1", 100, 10), answer("K1", 105, 9), answer("K2", 99, 6),
        answer("K3", 101, 8), answer("K4", 100 - 366, 3), answer("K5", 90, 3), answer(None, 90, 0),
    ])  # fmt: skip
    pairs, codes = nps_pairs(attempts, answers)
    assert codes.tolist() == ["refund", "refund"]
    assert pairs.before.tolist() == [4, 6]
    assert pairs.after[0] == 9 and np.isnan(pairs.after[1])


def test_who_got_another_playbook_between_the_answers_was_not_left_alone() -> None:
    attempts = pa.Table.from_pylist([
        attempt("alone", "none", 100, post=5), attempt("helped", "none", 100, post=9), attempt("helped", "refund", 110),
        attempt("long_ago", "none", 100, post=5), attempt("long_ago", "refund", 20),
    ])  # fmt: skip
    names = ("alone", "helped", "long_ago")
    pairs, _ = nps_pairs(attempts, pa.Table.from_pylist([answer(name, 50, 5) for name in names]))
    assert int((~pairs.treated).sum()) == 2
    assert pairs.after[~pairs.treated].tolist() == [5, 5]


def test_answers_in_a_row_are_repeats_only_with_no_playbook_between_them() -> None:
    attempts = pa.Table.from_pylist([attempt("K1", "refund", 150), attempt("K2", "none", 150)])
    answers = pa.Table.from_pylist(
        [answer(name, day, score) for name in ("K1", "K2") for day, score in ((10, 3), (100, 5), (190, 9), (900, 1))]
    )
    pairs, _ = nps_pairs(attempts, answers)
    found = sorted(zip(pairs.repeat_customer.tolist(), pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert [(first, second) for _, first, second in found] == [(3, 5), (3, 5), (5, 9)]
    assert len({customer for customer, _, _ in found}) == 2


def test_recovery_nps_is_told_together_of_detractors_and_by_playbook() -> None:
    random = np.random.default_rng(3)
    rows, said = [], []
    for number in range(300):
        name = f"K{number}"
        said += [answer(name, 50, float(random.integers(0, 11)))]
        rows.append(attempt(name, ("refund", "callback", "none")[number % 3], 100, post=float(random.integers(0, 11))))
        said += [answer(f"Q{number}", day, float(random.integers(0, 11))) for day in (10, 100)]
    table = nps_table(pa.Table.from_pylist(rows), pa.Table.from_pylist(said), as_of=AS_OF, draws=99)
    assert table.schema == NPS
    found = {(row["level"], row["subject"]): row for row in table.to_pylist()}
    assert set(found) == {
        ("all", "any playbook"), ("first answer", "detractor"), ("playbook", "callback"), ("playbook", "refund"),
    }  # fmt: skip
    assert found["all", "any playbook"]["n"] == 200
    assert found["all", "any playbook"]["n_control"] == 100
    assert found["first answer", "detractor"]["before"] == -100
    assert found["playbook", "refund"]["lift_low"] < found["playbook", "refund"]["lift"]


def test_where_nobody_had_answered_before_there_is_no_row() -> None:
    attempts = pa.Table.from_pylist([attempt("K1", "refund", 100, post=9)])
    answers = pa.Table.from_pylist([answer("K1", 105, 9)])
    assert nps_table(attempts, answers, as_of=AS_OF).num_rows == 0
    with pytest.raises(ValueError, match="column post_nps is missing"):
        nps_table(attempts.drop_columns("post_nps"), answers, as_of=AS_OF)
