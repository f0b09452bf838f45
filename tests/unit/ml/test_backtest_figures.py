"""Every plot of a backtest draws whatever the report holds: nothing at all, one rule, a rule that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from ml.detection.backtest_figures import FIGURES
from ml.drawing import png

RATE = {"value": 2.0, "low": 1.0, "high": 3.5}


def precision(right: int, wrong: int, unknown: int) -> dict[str, Any]:
    known, n = right + wrong, right + wrong + unknown
    share = right / known if known else None
    return {
        "right": right, "wrong": wrong, "unknown": unknown, "share": share, "low": share and share / 2,
        "high": None if share is None else 1.0, "at_least": right / n if n else None,
        "at_most": 1 - wrong / n if n else None,
    }  # fmt: skip


def rule(name: str, status: str, found: dict[str, Any]) -> dict[str, Any]:
    cases = found["right"] + found["wrong"] + found["unknown"]
    return {"rule_id": name, "status": status, "cases": cases, "per_week": RATE, "precision": found}


def report(live: list[Any], candidate: list[Any], weeks: list[int]) -> dict[str, Any]:
    team = {"team": "desk", "cases": 5, "per_week": RATE, "per_member": None, "members": 0}
    sets = {"live": live, "candidate": candidate}
    return {
        "from": "2026-04-01", "to": "2026-06-29",
        **{name: {"rules": rows, "teams": [team] if rows else []} for name, rows in sets.items()},
        "against": {"gained": sum(weeks), "lost": 1, "gained_weeks": weeks, "lost_weeks": [0] * len(weeks)},
    }  # fmt: skip


REPORTS = {
    "nothing": report([], [], []),
    "a rule that is gone and a new one": report(
        [rule("gone", "live", precision(1, 1, 0))], [rule("fresh", "shadow", precision(0, 0, 4))], [2, 0, 1]
    ),
    "a rule that opens nothing": report([], [rule("quiet", "draft", precision(0, 0, 0))], [0]),
}


@pytest.mark.parametrize("name", sorted(REPORTS))
@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_a_plot_draws_and_comes_out_the_same_each_time(figure: str, name: str) -> None:
    image = png(FIGURES[figure](REPORTS[name]))
    assert image.startswith(b"\x89PNG")
    assert image == png(FIGURES[figure](REPORTS[name]))


def test_the_plot_of_rules_says_which_are_not_in_the_folder() -> None:
    axes = FIGURES["cases_per_week"](REPORTS["a rule that is gone and a new one"]).axes[0]
    named = {label.get_text() for label in axes.get_yticklabels()}
    assert named == {"gone (not in the folder)", "fresh (shadow)"}


def test_a_rule_without_a_verdict_shows_how_little_is_known() -> None:
    axes = FIGURES["precision"](REPORTS["a rule that is gone and a new one"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["0 of 0, 4 unknown"]
    assert len(axes.lines) == 1, "the band of what may be, and no point"
