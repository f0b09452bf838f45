"""Codes that the words contradict are findings with a rate that has an interval."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ml.outputs import MISCODING
from ml.root_cause.miscoding import miscoding_rates, miscoding_table, self_confidence

CAUSES = ("app", "card", "fee")


def planted(rows: int, wrong: float, seed: int = 0) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Ids, codes of which a share is wrong, probabilities that mostly see the truth, and which codes are wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, rows)
    evidence = rng.normal(size=(rows, 3))
    evidence[np.arange(rows), truth] += 4
    shares = np.exp(evidence)
    is_wrong = rng.random(rows) < wrong
    codes = np.where(is_wrong, (truth + rng.integers(1, 3, rows)) % 3, truth)
    ids = [f"s{row:05}" for row in range(rows)]
    return ids, [CAUSES[code] for code in codes], shares / shares.sum(axis=1, keepdims=True), is_wrong


def test_wrong_codes_are_found_with_few_false_findings() -> None:
    ids, coded, shares, wrong = planted(3000, 0.12)
    table = miscoding_table(ids, coded, shares, CAUSES)
    found = np.array(table.column("is_finding").to_pylist())
    assert (found & wrong).sum() / wrong.sum() > 0.85
    assert (found & wrong).sum() / found.sum() > 0.85


def test_a_finding_names_a_cause_more_likely_than_the_code() -> None:
    table = miscoding_table(*planted(500, 0.2)[:3], CAUSES)
    rows = [row for row in table.to_pylist() if row["is_finding"]]
    assert table.schema == MISCODING
    assert rows
    assert all(row["suggested_cause_id"] != row["coded_cause_id"] for row in rows)
    assert np.mean([row["suggested_share"] > row["coded_share"] for row in rows]) > 0.95


def test_a_text_that_only_might_be_about_something_else_is_no_finding() -> None:
    shares = np.array([[0.9, 0.05, 0.05], [0.45, 0.5, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])
    table = miscoding_table(["a", "b", "c", "d"], ["app", "app", "card", "fee"], shares, CAUSES)
    assert table.column("is_finding").to_pylist() == [False, False, False, False]


def test_codes_the_model_does_not_know_are_left_out_and_no_rows_give_an_empty_table() -> None:
    shares = np.full((2, 3), 1 / 3)
    assert miscoding_table(["b", "a"], ["fee", "unheard"], shares, CAUSES).column("signal_id").to_pylist() == ["b"]
    assert miscoding_table([], [], np.zeros((0, 3)), CAUSES).num_rows == 0


def test_no_text_is_confidently_a_cause_that_nobody_coded() -> None:
    limits = self_confidence(np.full((2, 3), 1 / 3), np.array([0, 0]))
    assert limits.tolist() == [1 / 3, np.inf, np.inf]


def test_rates_come_per_group_with_an_interval_that_holds_the_truth() -> None:
    ids, coded, shares, wrong = planted(2000, 0.12)
    rates = miscoding_rates(miscoding_table(ids, coded, shares, CAUSES), ["all"] * 2000).to_pylist()[0]
    assert rates["low"] < rates["rate"] < rates["high"]
    assert rates["low"] - 0.01 < wrong.mean() < rates["high"] + 0.01
    assert (rates["coded"], rates["findings"]) == (2000, round(rates["rate"] * 2000))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="codes"):
        miscoding_table(["a"], [], np.zeros((1, 3)), CAUSES)
    with pytest.raises(ValueError, match="groups"):
        miscoding_rates(pa.Table.from_pylist([], schema=MISCODING), ["a"])
