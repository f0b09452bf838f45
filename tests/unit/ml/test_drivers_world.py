"""Driver analysis on the planted-truth company: what failures were made to cost comes back inside its intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.root_cause.driver_answers import DriverParams
from ml.root_cause.drivers import drivers
from models.programme import Programme
from tests.unit.ml.test_drivers import SCHEMA
from world.build import build_world

DAYS = 90


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("world")
    build_world(company="bank", customers=20_000, weeks=26, seed=3, out=folder)
    names = ("customer", "failure", "assignment", "survey_propensity")
    return {name: pd.read_parquet(folder / "truth" / f"{name}.parquet") for name in names}


def planted_pain(truth: dict[str, pd.DataFrame], asked: pd.DataFrame) -> pd.Series[float]:
    """Score points the latest failure costs each answer, as world/surveys.py plants it: by severity, a fifth where it was
    made good, fading over 45 days. A scale ends at 10: what would have lifted a score beyond it was not lost."""
    failures = truth["failure"].merge(truth["assignment"][["failure_id", "recovered"]], on="failure_id", how="left")
    failures["pain"] = np.where(failures["severity"] <= 2, 2.6, 1.5) * np.where(
        failures["recovered"].eq(True), 0.2, 1.0
    )
    latest = pd.merge_asof(
        asked.sort_values("sent_at"),
        failures.rename(columns={"occurred_at": "failed_at"}).sort_values("failed_at"),
        left_on="sent_at", right_on="failed_at", by="customer_id", allow_exact_matches=False,
    )  # fmt: skip
    days = (latest["sent_at"] - latest["failed_at"]).dt.total_seconds() / 86_400
    pain = (latest["pain"] * np.exp(-days / 45)).fillna(0.0)
    return np.minimum(pain, 10 - latest["would_score"]).set_axis(latest["invitation_id"])


def as_signals(truth: dict[str, pd.DataFrame], asked: pd.DataFrame) -> pa.Table:
    """Everybody's score, with the people's attributes, and the complaints and tickets with their true causes."""
    answers = asked.merge(truth["customer"][["customer_id", "segment", "region", "language"]], on="customer_id").assign(
        signal_id=lambda f: f["invitation_id"], signal_kind="survey_response", score_metric="nps", score_min=0.0,
        score_max=10.0, score_normalised=lambda f: f["would_score"] / 10, occurred_at=lambda f: f["sent_at"],
        instrument_id="SV_NPS",
    )  # fmt: skip
    contacts = truth["assignment"].assign(
        signal_id=lambda f: f["subject_type"] + f["subject_id"], signal_kind=lambda f: f["subject_type"],
        cause_id=lambda f: f["cause"], occurred_at=lambda f: f["contacted_at"],
    )  # fmt: skip
    both = pd.concat([answers, contacts]).reindex(columns=SCHEMA.names)
    both["occurred_at"] = both["occurred_at"].dt.tz_convert(None)
    return pa.Table.from_pandas(both, schema=SCHEMA, preserve_index=False)


def test_what_a_failure_was_made_to_cost_comes_back_inside_its_interval(
    bank: Programme, truth: dict[str, pd.DataFrame]
) -> None:
    asked = truth["survey_propensity"].query("survey_id == 'SV_NPS'")
    as_of = asked["sent_at"].max().to_pydatetime()
    found = drivers(
        as_signals(truth, asked), bank.taxonomy, as_of=as_of, params=DriverParams(replicates=200)
    ).to_pylist()
    rows = {row["subject_id"]: row for row in found if row["contrast"] == "experienced" and row["effect"] is not None}
    pain = planted_pain(truth, asked)
    contacts = truth["assignment"]
    inside = {}
    for cause, row in rows.items():
        own = asked.merge(contacts.loc[contacts["cause"] == cause, ["customer_id", "contacted_at"]], on="customer_id")
        days = (own["sent_at"] - own["contacted_at"]).dt.total_seconds() / 86_400
        exposed = pain.index.isin(own.loc[(days > 0) & (days <= DAYS), "invitation_id"])
        assert int(exposed.sum()) == row["n"]
        planted = -(pain[exposed].mean() - pain[~exposed].mean())
        inside[cause] = row["low"] <= planted <= row["high"]
        assert planted < -0.1
    assert len(rows) >= 8
    # Of ten intervals at 95 % one misses in two worlds of five, two in one of twelve.
    assert sum(inside.values()) >= len(inside) - 1, inside
    assert sum(row["verdict"] == "lowers" for row in rows.values()) >= len(rows) // 2
    assert not any(row["verdict"] == "raises" for row in rows.values())
