"""A risk learnt by time: it says what happens as often as it says, refuses where it cannot know, and takes no leak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.early_warning.judge import Figure, auc, calibration_error, judge, wilson
from ml.early_warning.model import fit_line, load_risk_model
from ml.early_warning.training import NotTrained, Past, Trained, is_accepted, time_slices, train
from ml.early_warning.trees import from_sklearn
from ml.store import ModelStore


def past(rows: int = 4_000, *, effect: float = 1.2, seed: int = 3, horizon: float = 10.0) -> Past:
    """Rows over 300 days whose risk rises with `load`; `colour` says nothing and `load` is sometimes unknown."""
    rng = np.random.default_rng(seed)
    load, at = rng.normal(size=rows), np.sort(rng.uniform(0, 300, rows))
    chance = 1 / (1 + np.exp(-(effect * load - 1.2)))
    outcome = rng.random(rows) < chance
    unknown = rng.random(rows) < 0.05
    table = pa.table(
        {
            "load": pa.array(load, mask=unknown),
            "colour": rng.choice(["red", "green"], rows),
            "afterwards": outcome * 2.0 + rng.normal(size=rows) * 0.3,
            "gender": rng.choice(["f", "m"], rows),
        }
    )
    return Past(
        kind="breach", table=table, outcome=outcome, at=at, known_at=at + horizon, subjects=np.arange(rows),
        columns=("load", "colour", "afterwards", "gender"), rising=("load",),
        event_at=np.where(outcome, at + horizon / 2, np.nan),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> Trained:
    found = train(past())
    assert isinstance(found, Trained)
    return found


def test_probabilities_come_true_as_often_as_they_say_on_rows_later_than_any_learnt_from(trained: Trained) -> None:
    told = trained.judgement
    assert told.skill.low is not None and told.skill.low > 0.05
    assert told.auc.low is not None and told.auc.low > 0.65
    assert told.ece.value is not None and told.ece.value < told.ece_by_chance + 0.03
    assert told.lead_days == pytest.approx(5.0)


def test_a_column_filled_in_afterwards_and_a_protected_one_are_refused_with_the_reason(trained: Trained) -> None:
    assert set(trained.refused) == {"afterwards", "gender"}
    assert "filled in afterwards" in trained.refused["afterwards"]
    assert not {"afterwards", "gender"} & set(trained.model.encoder.places())


def test_without_the_guard_the_leaking_column_would_have_won() -> None:
    rows = past()
    leaking = train(replace(rows, vouched=("afterwards",)))
    assert isinstance(leaking, Trained)
    assert leaking.judgement.auc.value is not None and leaking.judgement.auc.value > 0.95


def test_few_events_are_refused_in_words_and_not_fitted() -> None:
    found = train(past(rows=100))
    assert isinstance(found, NotTrained)
    assert found.reason.startswith("not enough data:")


def test_no_rows_at_all_are_refused_too() -> None:
    empty = past(rows=40)
    nothing = np.zeros(0)
    found = train(
        replace(
            empty, table=empty.table.slice(0, 0), outcome=nothing.astype(bool), at=nothing, known_at=nothing,
            subjects=nothing.astype(np.int64), event_at=None,
        )
    )  # fmt: skip
    assert isinstance(found, NotTrained)


def test_where_nothing_can_be_learnt_the_base_rate_is_not_dressed_up_as_a_model() -> None:
    made = [train(replace(past(2_000, effect=0.0, seed=seed), columns=("load", "colour"))) for seed in range(20, 40)]
    refused = [found for found in made if isinstance(found, NotTrained)]
    # At a true rate of 1 in 70, as measured on other seeds, three or more of 20 come once in 380 sets of seeds.
    assert len(refused) >= 18
    assert {found.reason for found in refused} == {"not better than the base rate beyond doubt"}
    assert all(found.judgement is not None for found in refused)


def test_rare_events_are_let_through_by_a_clear_ranking_only_where_the_probabilities_hold(trained: Trained) -> None:
    doubtful = Figure(0.01, -0.003, 0.026)
    rare = replace(
        trained.judgement, skill=doubtful, auc=Figure(0.71, 0.65, 0.77), ece=Figure(0.01, 0.005, 0.02), ece_limit=0.012
    )
    assert is_accepted(rare)
    assert not is_accepted(replace(rare, auc=Figure(0.66, 0.59, 0.72)))
    assert not is_accepted(replace(rare, ece_limit=0.009))
    assert not is_accepted(replace(rare, skill=Figure(-0.001, -0.01, 0.01)))


def test_no_outcome_is_used_before_it_was_known() -> None:
    rows = past()
    slices = time_slices(rows.at, rows.known_at)
    assert rows.known_at[slices.train].max() <= rows.at[slices.calibrate].min()
    assert rows.known_at[slices.calibrate].max() <= rows.at[slices.test].min()
    assert min(len(slices.train), len(slices.calibrate), len(slices.test)) > 0


def test_a_model_read_back_from_its_files_says_the_same(trained: Trained, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save("risk-breach", "m1", trained.model.files())
    again = load_risk_model(store.load("risk-breach", "m1"))
    table = past(rows=200, seed=9).table
    assert np.array_equal(again.probabilities(table), trained.model.probabilities(table))


def test_every_interval_holds_its_probability_and_stays_within_zero_and_one(trained: Trained) -> None:
    shares = trained.model.probabilities(past(rows=500, seed=11).table)
    low, high = trained.model.intervals(shares)
    assert (low <= shares).all() and (shares <= high).all()
    assert low.min() >= 0 and high.max() <= 1


def test_what_makes_a_row_unlike_the_typical_one_is_told_by_column(trained: Trained) -> None:
    table = pa.table({"load": [2.5, -2.5], "colour": ["red", "red"]})
    gained = trained.model.contributions(table)["load"]
    assert gained[0] > 0.5 and gained[1] < -0.5


def test_trees_kept_as_arrays_add_up_to_what_scikit_learn_says() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(900, 4))
    matrix[rng.random((900, 4)) < 0.1] = np.nan
    outcome = np.nan_to_num(matrix[:, 0]) + rng.normal(size=900) > 0
    fitted = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=6).fit(matrix, outcome)
    assert np.allclose(from_sklearn(fitted).log_odds(matrix), fitted.decision_function(matrix))


def test_a_score_that_ranks_the_wrong_way_round_becomes_the_plain_share() -> None:
    odds = np.linspace(-2, 2, 400)
    outcome = odds < 0
    slope, _ = fit_line(odds, outcome)
    assert slope == 0.0


def test_ranking_counts_ties_as_half_and_is_unknown_without_both_outcomes() -> None:
    assert auc(np.array([True, False]), np.array([1.0, 1.0])) == 0.5
    assert auc(np.array([True, True]), np.array([1.0, 2.0])) is None


def test_a_perfectly_calibrated_share_has_no_more_error_than_chance_brings() -> None:
    rng = np.random.default_rng(2)
    shares = rng.uniform(0.05, 0.6, 5_000)
    outcome = rng.random(5_000) < shares
    told = judge(outcome, shares, subjects=np.arange(5_000), base_rate=0.3)
    assert told.ece.value is not None and told.ece.value < 2 * told.ece_by_chance
    assert calibration_error(outcome, np.minimum(shares + 0.2, 1.0)) > 0.15


def test_a_subject_counted_often_widens_the_interval() -> None:
    rng = np.random.default_rng(4)
    shares = rng.uniform(0.1, 0.5, 400)
    outcome = rng.random(400) < shares
    single = judge(outcome, shares, subjects=np.arange(400), base_rate=0.3).auc
    tenfold = judge(
        np.repeat(outcome, 10), np.repeat(shares, 10), subjects=np.repeat(np.arange(400), 10), base_rate=0.3
    ).auc
    assert None not in (single.low, single.high, tenfold.low, tenfold.high)
    assert tenfold.high - tenfold.low > 0.8 * (single.high - single.low)  # type: ignore[operator]


def test_a_share_of_nothing_is_unknown() -> None:
    assert wilson(0, 0).value is None
