"""Scoring risks on the stores of a home: what cannot be said is told in words, and earlier warnings stay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cases import services
from ml.early_warning.risks import read_risks
from ml.outputs import RISK, read_output, write_output
from ml.store import ModelStore
from models.settings import Settings
from orchestration.early_warning import OUTPUT, run_early_warning

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.fixture
def young(tmp_path: Path) -> Settings:
    """A home with a ledger, one signal, one customer and no past."""
    home = Settings(home=tmp_path / "home", as_of=AT)
    for folder in (home.state, home.handoff):
        folder.mkdir(parents=True)
    services.migrate(home)
    hand = {
        "fct_signal": {"entity": ["complaint"], "source_key": ["1"], "signal_id": ["S1"], "occurred_at": [AT]},
        "dim_customer": {"customer_id": ["K1"], "segment": ["retail"], "is_current": [True]},
        "int_resolution": {"subject_type": ["complaint"], "subject_id": ["1"], "resolved_at": [AT]},
    }
    for name, columns in hand.items():
        pq.write_table(pa.table(columns), home.handoff / f"{name}.parquet")
    return home


def test_without_a_past_there_are_no_rows_no_model_and_a_reason_for_each_risk(young: Settings) -> None:
    told = run_early_warning(young, as_of=f"{AT:%Y-%m-%d %H:%M:%S}")
    assert (told["dagster/row_count"], told["churn_scored"], told["breach_scored"]) == (0, 0, 0)
    assert told["churn_model"].startswith("none: not enough data")
    assert told["breach_model"].startswith("none: not enough data")
    assert ModelStore(young.model_store).kinds() == []


def test_a_warning_of_last_week_outlives_a_week_in_which_nothing_can_be_said(young: Settings) -> None:
    warned = {
        "risk_id": "r1", "kind": "churn", "subject_id": "K1", "customer_id": "K1", "as_of": AT.replace(day=1, month=6),
        "probability": 0.4, "low": 0.2, "high": 0.6, "base_rate": 0.1, "reasons": "", "model_id": "m",
    }  # fmt: skip
    write_output(young.ml_outputs, OUTPUT, pa.Table.from_pylist([warned], schema=RISK))
    run_early_warning(young, as_of=f"{AT:%Y-%m-%d %H:%M:%S}")
    assert read_output(young.ml_outputs, OUTPUT).num_rows == 1
    (signal,) = read_risks(young.ml_outputs, young.handoff).to_pylist()
    assert (signal["signal_kind"], signal["risk"], signal["segment"]) == ("churn_risk", 0.4, "retail")
