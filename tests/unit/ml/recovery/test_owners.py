"""Rows people read: who is shown, what is said of them, and what stays with the team."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from ml.recovery.funnel_plot import funnel_figure
from ml.recovery.owner_table import ABOVE, ALIKE, BELOW, FEW, OWNER, VERDICTS
from ml.recovery.owners import owner_rows
from ml.recovery.staffed import shown, teams, told_teams
from tests.unit.ml.recovery.offices import AS_OF, attempts_table

Rows = list[dict[str, object]]


def told(table: pa.Table, **options: object) -> Rows:
    return owner_rows(table, seed=0, as_of=AS_OF, **options)  # type: ignore[arg-type]


def units(rows: Rows, unit_type: str, outcome: str = "recovered") -> dict[str, dict[str, object]]:
    return {str(row["unit_id"]): row for row in rows if row["unit_type"] == unit_type and row["outcome"] == outcome}


def test_rows_fill_the_agreed_table() -> None:
    rows = told(attempts_table(1))
    table = pa.Table.from_pylist(rows, OWNER)
    assert set(rows[0]) == set(OWNER.names)
    assert len(set(table.column("comparison_id").to_pylist())) == len(rows) == 3 * (10 + 5)
    assert {row["verdict"] for row in rows} <= set(VERDICTS)


def test_owners_who_are_alike_are_not_told_apart_and_the_sentence_says_so() -> None:
    rows = told(attempts_table(1))
    assert {row["verdict"] for row in units(rows, "owner").values()} == {ALIKE}
    row = units(rows, "owner")["E00"]
    assert "not to be told apart" in str(row["sentence"]) and f"Raw {100 * float(str(row['naive'])):.0f} %" in str(
        row["sentence"]
    )


def test_whole_tables_of_equal_owners_call_nobody_out() -> None:
    tables = [told(attempts_table(seed, owners=8, cases=40)) for seed in range(20)]
    assert sum(any(row["verdict"] in (ABOVE, BELOW) for row in rows) for rows in tables) <= 2


def test_the_better_one_is_above_and_the_worse_one_below_the_group() -> None:
    rows = units(told(attempts_table(2, cases=300, skill={"E02": 1.2, "E07": -1.2})), "owner")
    assert {name: row["verdict"] for name, row in rows.items() if row["verdict"] != ALIKE} == {
        "E02": ABOVE,
        "E07": BELOW,
    }
    best = rows["E02"]
    assert float(str(best["adjusted"])) > float(str(best["funnel_high998"])) > float(str(best["funnel_high95"]))
    assert (best["rank_low"], best["rank_high"]) == (1, 1)
    assert float(str(best["p_best"])) > 0.9


def test_an_outcome_nobody_knows_yet_gives_too_few_cases() -> None:
    for row in units(told(attempts_table(1)), "owner", "retained_90d").values():
        assert (row["verdict"], row["known"], row["cases"]) == (FEW, 0, 60)
        assert row["adjusted"] is row["shrunken"] is row["rank_low"] is row["p"] is None


def test_unknown_outcomes_are_left_out_of_the_rate_and_counted() -> None:
    table = attempts_table(3, unknown=0.4)
    mine = table.filter(pa.compute.equal(table["owner_id"], "E01"))
    row = units(told(table), "owner")["E01"]
    answers = [value for value in mine["is_recovered"].to_pylist() if value is not None]
    assert row["known"] == len(answers) < row["cases"] == 60  # type: ignore[operator]
    assert row["naive"] == pytest.approx(np.mean(answers))


def test_who_opted_out_and_their_only_colleague_are_shown_as_a_team() -> None:
    rows = told(attempts_table(1), opted_out={"E04"})
    assert sorted(units(rows, "owner")) == ["E00", "E01", "E02", "E03", "E06", "E07", "E08", "E09"]
    assert units(rows, "team")["T2"]["cases"] == 120


def test_cases_of_who_opted_out_move_nobody_elses_figure() -> None:
    table = attempts_table(1)
    owners = np.array(table["owner_id"].to_pylist())
    without = table.filter(pa.array(~np.isin(owners, ["E04", "E05"])))
    with_them, alone = told(table, opted_out={"E04", "E05"}), told(without)
    for name, row in units(alone, "owner").items():
        assert units(with_them, "owner")[name]["adjusted"] == pytest.approx(row["adjusted"], abs=1e-12)


def test_a_team_needs_two_people_and_as_many_as_are_asked_for_to_name_them() -> None:
    team_of = {"a": "T1", "b": "T1", "c": "T2", "d": "T3", "e": "T3", "f": "T3"}
    assert shown(team_of, frozenset()) == {"a", "b", "d", "e", "f"}
    assert shown(team_of, frozenset(), min_team=3) == {"d", "e", "f"}
    assert told_teams(np.array(list(team_of)), np.array(list(team_of.values()))) == {"T1", "T3"}


def test_one_left_out_cannot_be_worked_out_by_taking_the_others_away() -> None:
    team_of = {"a": "T1", "b": "T1", "c": "T1", "d": "T1"}
    assert shown(team_of, {"a"}) == frozenset()
    assert shown(team_of, {"a", "b"}) == {"c", "d"}


def test_a_case_counts_for_the_team_its_owner_was_in_that_day() -> None:
    chart = pa.table(
        {
            "employee_id": ["E1", "E1"],
            "team_id": ["T1", "T2"],
            "valid_from_on": [date(2025, 1, 1), date(2026, 4, 6)],
            "valid_to_on": pa.array([date(2026, 4, 6), None], pa.date32()),
        }
    )
    at = np.array(["2024-12-31T10:00", "2026-04-05T23:00", "2026-04-06T00:00"], dtype="datetime64[us]")
    assert teams(np.array(["E1"] * 3), at, chart).tolist() == ["", "T1", "T2"]


def test_without_teams_only_owners_are_compared_and_without_attempts_nobody() -> None:
    table = attempts_table(1).drop_columns(["team_id"])
    rows = told(table)
    assert {row["unit_type"] for row in rows} == {"owner"} and all(row["team_id"] is None for row in rows)
    assert told(table.slice(0, 0)) == []


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="column owner_id is missing"):
        told(attempts_table(1).drop_columns(["owner_id"]))


def test_instants_are_those_of_the_attempts() -> None:
    row = told(attempts_table(1))[0]
    assert (row["from_at"], row["as_of"]) == (datetime(2026, 3, 1, tzinfo=UTC), AS_OF)


def test_the_funnel_names_only_those_beyond_chance() -> None:
    rows = told(attempts_table(2, cases=300, skill={"E02": 1.2}))
    figure = funnel_figure(rows, "recovered")
    assert figure is not None
    assert [text.get_text() for text in figure.axes[0].texts] == ["E02"]
    assert funnel_figure(rows, "retained_90d") is None
