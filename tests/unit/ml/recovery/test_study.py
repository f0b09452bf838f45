"""The study as a whole: every estimate with its twin, sums that agree, and silence where nothing can be said."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.recovery.attempts import MONEY, TOGETHER, read_attempts
from ml.recovery.figures import all_figures
from ml.recovery.owner_table import OWNER
from ml.recovery.reports import EXPERIMENT, card, track_owners, track_policy, track_study
from ml.recovery.study import NOTHING, Study, estimates, study
from ml.recovery.tables import CASE_EFFECT, EFFECT, EFFECT_DIAGNOSTIC, RECOVERY_OUTPUTS
from ml.tracking import EXPERIMENTS, Tracker
from tests.unit.ml.recovery.confounded import GAIN_USD, attempts_table

POLICIES = ("policy", "policy_value", "policy_curve")
AS_OF = datetime(2026, 7, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def found() -> Study:
    return study(attempts_table(), as_of=AS_OF)


def rows(found: Study, name: str, **wanted: Any) -> list[dict[str, Any]]:
    every = found.tables[f"ml_recovery__{name}"].to_pylist()
    return [row for row in every if all(row[key] == value for key, value in wanted.items())]


def test_a_refund_that_helps_is_told_to_help_where_the_naive_difference_says_the_opposite(found: Study) -> None:
    (row,) = rows(found, "effect", outcome=MONEY, arm="refund", level="all")
    assert row["low"] <= GAIN_USD <= row["high"]
    assert row["naive"] < 5 and not row["naive_low"] <= GAIN_USD <= row["naive_high"]
    assert row["sentence"] in found.sentences and "naive" in row["sentence"]


def test_every_estimate_has_its_interval_its_naive_twin_and_its_standing(found: Study) -> None:
    for row in rows(found, "effect"):
        assert (row["point"] is None) == (row["standing"] == NOTHING)
        if row["point"] is not None:
            assert row["low"] <= row["point"] <= row["high"] and row["naive"] is not None
        else:
            assert row["reason"]


def test_what_each_attempt_is_expected_to_have_saved_sums_to_the_total_told(found: Study) -> None:
    (row,) = rows(found, "effect", outcome=MONEY, arm="refund", level="all")
    cases = rows(found, "case_effect", arm="refund")
    assert sum(case["expected_usd"] for case in cases if case["is_in_overlap"]) == pytest.approx(row["total"])
    assert sum(case["is_in_overlap"] for case in cases) == row["n_overlap"]
    assert len(cases) == row["n_treated"]


def test_parts_cover_all_attempts_and_a_small_part_is_not_told() -> None:
    told = study(attempts_table(400, seed=3), as_of=AS_OF)
    for level in ("severity", "segment", "cause"):
        parts = rows(told, "effect", outcome=MONEY, arm="refund", level=level)
        (whole,) = rows(told, "effect", outcome=MONEY, arm="refund", level="all")
        assert sum(part["n_overlap"] for part in parts) == whole["n_overlap"]
    severe = rows(told, "effect", outcome=MONEY, arm="refund", level="severity")
    assert {part["standing"] for part in severe} & {NOTHING}
    assert all(part["reason"] and part["total"] is None for part in severe if part["standing"] == NOTHING)


def test_where_the_grave_are_never_left_alone_nothing_is_said_about_them() -> None:
    told = study(attempts_table(400, left_alone=False), as_of=AS_OF)
    (whole,) = rows(told, "effect", outcome=MONEY, arm="refund", level="all")
    assert whole["n_trimmed"] > 100
    assert whole["standing"] == NOTHING or "left out" in whole["sentence"] or "not counted" in whole["sentence"]
    for severity in ("1", "2"):
        for part in rows(told, "effect", outcome=MONEY, arm="refund", subject=severity):
            assert part["point"] is None


def test_the_estimates_alone_are_the_numbers_the_study_tells(found: Study) -> None:
    told = {row["effect_id"]: row for row in rows(found, "effect")}
    alone = estimates(read_attempts(attempts_table()))
    assert len(alone) == len(told)
    whole = {(each.outcome, each.arm): each.effect.point for each in alone if each.level == "all"}
    for row in rows(found, "effect", level="all"):
        if row["point"] is not None:
            assert whole[row["outcome"], row["arm"]] == pytest.approx(row["point"])


def test_one_playbook_alone_or_no_attempt_at_all_gives_empty_tables() -> None:
    table = attempts_table(60)
    alone = table.filter(np.asarray(table.column("playbook_code").to_pylist()) == "none")
    for few in (table.slice(0, 0), alone):
        told = study(few, as_of=AS_OF)
        assert told.tables["ml_recovery__effect"].num_rows == 0
        assert told.tables["ml_recovery__effect"].schema.equals(EFFECT)
        assert told.tables["ml_recovery__diagnostic"].schema.equals(EFFECT_DIAGNOSTIC)
        assert told.tables["ml_recovery__case_effect"].schema.equals(CASE_EFFECT)


def test_the_same_attempts_give_the_same_tables(found: Study) -> None:
    again = study(attempts_table(), as_of=AS_OF)
    assert all(table.equals(found.tables[name]) for name, table in again.tables.items())


def test_there_is_a_plot_for_every_question_and_a_card_that_names_the_assumptions(found: Study) -> None:
    effects, checks = rows(found, "effect"), rows(found, "diagnostic")
    drawn = all_figures(effects, checks)
    assert {f"effects_{MONEY}", f"balance_{MONEY}_refund", f"overlap_{MONEY}_{TOGETHER}"} <= drawn.keys()
    money = [row for row in effects if row["outcome"] == MONEY]
    told = card(MONEY, money, [row for row in checks if row["outcome"] == MONEY])
    assert "## Assumptions" in told and "Observational" in told and "What would change our mind" in told


def test_what_is_tracked_names_experiments_that_exist_and_holds_no_customer(found: Study, tmp_path: Path) -> None:
    tracker = Tracker("", artifact_root=tmp_path, enabled=False)
    owners = OWNER.empty_table()
    policy = {f"ml_recovery__{name}": RECOVERY_OUTPUTS[f"ml_recovery__{name}"][0].empty_table() for name in POLICIES}
    assert track_study(tracker, found, {}) == []
    assert track_owners(tracker, owners, AS_OF, {}) is None
    assert track_policy(tracker, policy, AS_OF, {}) is None
    assert {*EXPERIMENT.values(), "playbook-policy", "owner-comparison"} <= EXPERIMENTS.keys()
    told = card(MONEY, rows(found, "effect", outcome=MONEY), rows(found, "diagnostic", outcome=MONEY))
    assert not re.search(r"\b[ac]\d{2,}\b", told), "no attempt and no customer by its id"
