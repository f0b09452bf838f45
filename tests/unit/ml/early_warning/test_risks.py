"""Risks as rows and as signals: one per subject and week, a warning stands for its week, and rules can ask for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml.early_warning.risks import InUse, model_for, model_in_use, risk_rows, risk_signals, with_former
from ml.early_warning.training import Past
from ml.outputs import RISK, read_output, write_output
from ml.store import ModelStore

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)
WORDS = {"load": "load of {:.1f}"}


def past(seed: int = 3, rows: int = 3_000) -> Past:
    rng = np.random.default_rng(seed)
    load, at = rng.normal(size=rows), np.sort(rng.uniform(0, 300, rows))
    outcome = rng.random(rows) < 1 / (1 + np.exp(-(1.5 * load - 1.0)))
    return Past(
        kind="breach", table=pa.table({"load": load}), outcome=outcome, at=at, known_at=at + 5,
        subjects=np.arange(rows), columns=("load",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def in_use(tmp_path_factory: pytest.TempPathFactory) -> InUse:
    return model_for(ModelStore(tmp_path_factory.mktemp("store")), past(), "breach", as_of=AT)


def rows_of(in_use: InUse, loads: list[float], at: datetime = AT) -> list[dict[str, object]]:
    who = [{"subject_id": f"S{k}", "customer_id": f"K{k}", "case_id": f"S{k}"} for k in range(len(loads))]
    return risk_rows("breach", in_use, pa.table({"load": loads}), who, as_of=at, words=WORDS)


def test_a_row_tells_probability_interval_and_reasons_in_words(in_use: InUse, tmp_path: Path) -> None:
    rows = rows_of(in_use, [2.5, -2.0])
    write_output(tmp_path, "ml_detection__risk", pa.Table.from_pylist(rows, schema=RISK))
    assert read_output(tmp_path, "ml_detection__risk").num_rows == 2
    worst, best = rows
    assert worst["low"] <= worst["probability"] <= worst["high"]  # type: ignore[operator]
    assert worst["probability"] > best["probability"]  # type: ignore[operator]
    assert (worst["reasons"], best["reasons"]) == ("load of 2.5", "")


def test_a_warning_stands_for_its_week_and_the_next_week_has_its_own(in_use: InUse) -> None:
    table = with_former(rows_of(in_use, [2.0]), RISK.empty_table(), as_of=AT)
    lower = with_former(rows_of(in_use, [-1.0], AT + timedelta(days=1)), table, as_of=AT + timedelta(days=1))
    assert lower.to_pylist() == table.to_pylist()
    later = AT + timedelta(days=7)
    assert with_former(rows_of(in_use, [-1.0], later), lower, as_of=later).num_rows == 2


def test_a_signal_keeps_its_id_within_a_week_and_carries_the_customer(in_use: InUse) -> None:
    customers = pa.table(
        {"customer_id": ["K0", "K0"], "segment": ["old", "business"], "tier": ["a", "b"],
         "annual_value_usd": [1.0, 250.0], "is_current": [False, True]}
    )  # fmt: skip
    days = (AT, AT + timedelta(days=2))
    first, second = (
        risk_signals(pa.Table.from_pylist(rows_of(in_use, [1.0], at), schema=RISK), customers).to_pylist()[0]
        for at in days
    )
    assert first["signal_id"] == second["signal_id"]
    assert (first["signal_kind"], first["segment"], first["annual_value_usd"]) == ("breach_risk", "business", 250.0)
    assert first["occurred_at"] == AT
    assert 0 < first["risk"] < 1


def test_a_model_is_kept_for_a_week_and_then_fitted_anew(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    first = model_for(store, past(), "breach", as_of=AT)
    same = model_for(store, past(), "breach", as_of=AT + timedelta(days=6))
    anew = model_for(store, past(seed=4), "breach", as_of=AT + timedelta(days=7))
    assert same.model_id == first.model_id and same.trained is None
    assert anew.model_id != first.model_id
    assert [decision["action"] for decision in store.decisions("risk-breach")] == ["promoted", "promoted"]


def test_a_challenger_that_learnt_less_does_not_take_over(tmp_path: Path) -> None:
    store, rows = ModelStore(tmp_path), past()
    rng = np.random.default_rng(1)
    blurred = rows.table.column("load").to_numpy() + rng.normal(size=3_000) * 3
    wide = replace(rows, table=rows.table.append_column("blurred", pa.array(blurred)), columns=("load", "blurred"))
    first = model_for(store, wide, "breach", as_of=AT)
    worse = model_for(store, replace(wide, columns=("blurred",)), "breach", as_of=AT, refit=True)
    assert worse.model_id == first.model_id
    assert "better on the newest rows" in worse.reason


def test_without_enough_data_nothing_is_scored_and_the_reason_is_told(tmp_path: Path) -> None:
    found = model_for(ModelStore(tmp_path), None, "churn", as_of=AT)
    assert found.model is None and found.reason.startswith("not enough data")
    assert rows_of(found, [1.0]) == []


def test_a_mere_question_fits_for_its_answer_and_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    asked = model_in_use(store, past(), "breach")
    assert asked.model is not None and asked.model_id is None and "not kept" in asked.reason
    assert store.kinds() == []


def test_a_mere_question_takes_the_model_in_use_however_old(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    kept = model_for(store, past(), "breach", as_of=AT)
    asked = model_in_use(store, past(seed=4), "breach")
    assert (asked.model_id, asked.trained) == (kept.model_id, None)
