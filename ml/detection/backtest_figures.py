"""Plots of a backtest: how much and how surely, for whom, what comes and goes, how often rightly.

Belongs here: drawing from the report's own values (`casework/backtest/report.py`). Not here: any figure. Nothing here
names a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.drawing import blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Report = Mapping[str, Any]
LIVE, CANDIDATE, GAINED, LOST = "#7f7f7f", "#1f77b4", "#2ca02c", "#d62728"
_NAMES = {"live": "rules in force", "candidate": "rules asked about"}


def cases_figure(report: Report) -> Figure:
    """Cases per week by rule with 95 % intervals, both sets; the rule that opens most on top."""
    found = {name: {row["rule_id"]: row for row in report[name]["rules"]} for name in _NAMES}
    ids = sorted({*found["live"], *found["candidate"]}, key=lambda rule: _cases(found, rule))
    figure, axes = blank(8, 1.6 + 0.42 * len(ids))
    for name, shift, colour in (("live", -0.15, LIVE), ("candidate", 0.15, CANDIDATE)):
        rows = [(place, found[name][rule]["per_week"]) for place, rule in enumerate(ids) if rule in found[name]]
        _intervals(axes, [(place + shift, row["value"], row["low"], row["high"]) for place, row in rows], colour, name)
    axes.set_yticks(range(len(ids)), [_named(found, rule) for rule in ids])
    axes.set_xlim(left=0)
    axes.set(xlabel="cases opened per week", title=f"Cases per week by rule, {_stretch(report)}")
    if ids:
        axes.legend(loc="best")
    return figure


def team_figure(report: Report) -> Figure:
    """Cases per week by team with 95 % intervals, both sets; beside it what that is for one person."""
    found = {name: {row["team"]: row for row in report[name]["teams"]} for name in _NAMES}
    teams = sorted({*found["live"], *found["candidate"]}, key=lambda team: _load(found, team))
    figure, axes = blank(8, 1.6 + 0.5 * len(teams))
    for name, shift, colour in (("live", -0.18, LIVE), ("candidate", 0.18, CANDIDATE)):
        rows = [
            (place + shift, found[name][team]["per_week"]) for place, team in enumerate(teams) if team in found[name]
        ]
        axes.barh(
            [y for y, _ in rows], [row["value"] for _, row in rows], height=0.34, color=colour, label=_NAMES[name]
        )
        for y, row in rows:
            axes.plot([row["low"], row["high"]], [y, y], color="black", linewidth=1)
    axes.set_yticks(range(len(teams)), [_team(found, team) for team in teams])
    axes.set(xlabel="cases per week (line: 95 % interval)", title=f"Load by team, {_stretch(report)}")
    axes.legend(loc="best")
    return figure


def change_figure(report: Report) -> Figure:
    """Cases gained and lost against the rules in force, week by week, with the balance."""
    against = report["against"]
    gained, lost = np.array(against["gained_weeks"]), np.array(against["lost_weeks"])
    figure, axes = blank(8, 3.6)
    weeks = np.arange(1, len(gained) + 1)
    axes.bar(weeks, gained, color=GAINED, label=f"gained ({against['gained']})")
    axes.bar(weeks, -lost, color=LOST, label=f"lost ({against['lost']})")
    axes.plot(weeks, gained - lost, color="black", marker=".", linewidth=1, label="balance")
    axes.axhline(0, color="black", linewidth=0.5)
    reach = max(1, int(gained.max(initial=0)), int(lost.max(initial=0))) * 1.3
    axes.set_ylim(-reach, reach)
    axes.set(xlabel="week of the stretch", ylabel="cases", title=f"Against the rules in force, {_stretch(report)}")
    axes.legend(loc="upper left", ncols=3, fontsize=8)
    return figure


def precision_figure(report: Report) -> Figure:
    """Share of right cases among those with a verdict, by rule; the grey band is where it may lie for all of them."""
    rows = [row for row in reversed(report["candidate"]["rules"]) if row["cases"]]
    figure, axes = blank(8, 1.9 + 0.42 * len(rows))
    for place, row in enumerate(rows):
        found = row["precision"]
        axes.plot([found["at_least"], found["at_most"]], [place, place], color="#d9d9d9", linewidth=9, zorder=1,
                  solid_capstyle="butt")  # fmt: skip
        if found["share"] is not None:
            _intervals(axes, [(place, found["share"], found["low"], found["high"])], CANDIDATE, None)
        said = f"{found['right']} of {found['right'] + found['wrong']}, {found['unknown']} unknown"
        axes.text(1.02, place, said, va="center", fontsize=8, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [f"{row['rule_id']} ({row['status']})" for row in rows])
    axes.set(xlim=(-0.02, 1.02), title=f"How often rightly, {_stretch(report)}",
             xlabel="share right (95 % interval); grey: whatever the unknown ones are")  # fmt: skip
    return figure


FIGURES: Mapping[str, Callable[[Report], Figure]] = {
    "cases_per_week": cases_figure,
    "load_by_team": team_figure,
    "gained_and_lost": change_figure,
    "precision": precision_figure,
}


def _intervals(axes: Axes, rows: Sequence[tuple[float, float, float, float]], colour: str, name: str | None) -> None:
    if not rows:
        return
    y, value, low, high = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    axes.errorbar(value, y, xerr=[value - low, high - value], fmt="o", color=colour, markersize=4, capsize=2,
                  label=None if name is None else _NAMES[name], zorder=3)  # fmt: skip


def _cases(found: Mapping[str, Mapping[str, Any]], rule: str) -> tuple[int, str]:
    return max(found[name][rule]["cases"] for name in _NAMES if rule in found[name]), rule


def _load(found: Mapping[str, Mapping[str, Any]], team: str) -> tuple[int, str]:
    return max(found[name][team]["cases"] for name in _NAMES if team in found[name]), team


def _named(found: Mapping[str, Mapping[str, Any]], rule: str) -> str:
    row = found["candidate"].get(rule)
    return f"{rule} ({row['status']})" if row else f"{rule} (not in the folder)"


def _team(found: Mapping[str, Mapping[str, Any]], team: str) -> str:
    row = found["candidate"].get(team) or found["live"][team]
    each = "nobody present" if row["per_member"] is None else f"{row['per_member']:.2f} a week each of {row['members']}"
    return f"{team}\n{each}"


def _stretch(report: Report) -> str:
    return f"{report['from']} to {report['to']}"
