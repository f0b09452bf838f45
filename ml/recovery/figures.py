"""Plots of the recovery study: effects beside naive differences, overlap, balance, sensitivity, targeting, owners.

Belongs here: drawing from the rows of `ml_recovery__*`. Not here: any figure of theirs. Nothing here names a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml.drawing import blank
from ml.recovery.attempts import MONEY, TOGETHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
CAUSAL, NAIVE, REFERENCE, LIMIT = "#1f77b4", "#9e9e9e", "#ff7f0e", "#d62728"
UNITS = {"usd": "US dollars a case", "share": "share of cases", "days": "days"}


def effect_figure(effects: Sequence[Row], outcome: str) -> Figure | None:
    """Causal estimate (dot) and naive difference (square) of every playbook, with 95 % intervals; None without any."""
    rows = [row for row in effects if row["outcome"] == outcome and row["level"] == "all"]
    rows.sort(key=lambda row: (row["arm"] != TOGETHER, row["arm"]))
    return _forest([row["arm"] for row in rows], rows, f"{words(outcome)}: what each playbook does") if rows else None


def group_figure(effects: Sequence[Row], outcome: str, arm: str) -> Figure | None:
    """The effect of one playbook by severity, segment and cause; parts without enough data stay empty and are named."""
    rows = [row for row in effects if row["outcome"] == outcome and row["arm"] == arm and row["level"] != "all"]
    rows.sort(key=lambda row: (row["level"], row["subject"]))
    names = [f"{row['level']}: {row['subject']}" for row in rows]
    return _forest(names, rows, f"{arm}: {words(outcome)} by part of the cases") if rows else None


def overlap_figure(checks: Sequence[Row], outcome: str, arm: str) -> Figure | None:
    """How likely the playbook was, for those who got it and for those who got nothing: estimates rest on the overlap."""
    rows = _of(checks, outcome, arm, "propensity")
    if not rows:
        return None
    figure, axes = blank(8, 3.4)
    for side, colour, shift in (("treated", CAUSAL, 0.0), ("reference", REFERENCE, 0.4)):
        bins = sorted(
            (float(row["subject"].split()[1]), row["value"]) for row in rows if row["subject"].startswith(side)
        )
        axes.bar(
            [x + 0.05 * shift for x, _ in bins],
            [y for _, y in bins],
            width=0.02,
            color=colour,
            label=side,
            align="edge",
        )
    axes.set(xlabel=f"probability of {arm} rather than nothing", ylabel="share", title=f"{arm}: overlap", xlim=(0, 1))
    axes.legend()
    return figure


def balance_figure(checks: Sequence[Row], outcome: str, arm: str, most: int = 20) -> Figure | None:
    """Standardised mean differences before and after weighting, the largest before on top (a Love plot)."""
    before = {row["subject"]: abs(row["value"]) for row in _of(checks, outcome, arm, "balance_before")}
    after = {row["subject"]: row for row in _of(checks, outcome, arm, "balance")}
    names = sorted(after, key=lambda name: before.get(name, 0.0))[-most:]
    if not names:
        return None
    figure, axes = blank(8, 1.4 + 0.26 * len(names))
    axes.scatter(
        [before.get(name, 0.0) for name in names], range(len(names)), color=NAIVE, label="as it was", marker="s"
    )
    axes.scatter([abs(after[name]["value"]) for name in names], range(len(names)), color=CAUSAL, label="weighted")
    axes.axvline(next((row["limit_value"] for row in after.values()), 0.1), color=LIMIT, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="standardised mean difference", title=f"{arm}: balance against nothing done", xlim=(0, None))
    axes.legend(loc="lower right")
    return figure


def sensitivity_figure(checks: Sequence[Row], outcome: str, arm: str) -> Figure | None:
    """The estimate as it would be with an unseen confounder as strong as each one that was seen."""
    rows = [row for row in _of(checks, outcome, arm, "sensitivity") if row["low"] is not None]
    if not rows:
        return None
    figure, axes = blank(8, 1.6 + 0.4 * len(rows))
    for place, row in enumerate(rows):
        axes.plot([row["low"], row["high"]], [place, place], color=CAUSAL)
        axes.plot(row["value"], place, "o", color=CAUSAL)
    axes.axvline(0, color=LIMIT, linewidth=1)
    axes.set_yticks(range(len(rows)), [row["subject"] for row in rows])
    axes.set(title=f"{arm}: what an unseen confounder would leave", xlabel=words(outcome))
    return figure


def targeting_figure(checks: Sequence[Row], outcome: str, arm: str) -> Figure | None:
    """Gain when the share of cases expected to gain most is treated, against the same share at random (a Qini curve)."""
    rows = sorted(_of(checks, outcome, arm, "qini"), key=lambda row: float(row["subject"]))
    if not rows:
        return None
    figure, axes = blank(8, 3.6)
    shares = [0.0, *(float(row["subject"]) for row in rows)]
    gains = [0.0, *(row["value"] for row in rows)]
    axes.plot(shares, gains, color=CAUSAL, label="most expected gain first")
    if all(row["low"] is not None for row in rows):
        axes.fill_between(
            shares, [0.0, *(r["low"] for r in rows)], [0.0, *(r["high"] for r in rows)], color=CAUSAL, alpha=0.2
        )
    axes.plot([0, 1], [0, gains[-1]], color=NAIVE, linestyle="--", label="at random")
    axes.set(xlabel="share of cases treated", ylabel="gain a case", title=f"{arm}: whom to treat first")
    axes.legend()
    return figure


def policy_figure(points: Sequence[Row]) -> Figure | None:
    """Gain a case over the rules by the share of cases that follow the policy, those with most to gain first."""
    rows = sorted(points, key=lambda row: row["followed_share"])
    if not rows:
        return None
    figure, axes = blank(8, 3.6)
    shares = [row["followed_share"] for row in rows]
    axes.plot(shares, [row["gain_usd"] for row in rows], color=CAUSAL)
    axes.fill_between(
        shares, [row["low_usd"] for row in rows], [row["high_usd"] for row in rows], color=CAUSAL, alpha=0.2
    )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(
        xlabel="share of cases that follow the policy",
        ylabel="gain a case (US dollars)",
        title="Policy against the rules",
    )
    return figure


def words(name: str) -> str:
    """An outcome as people say it."""
    return {
        "net_margin_90d": "net margin over 90 days (US dollars)",
        "retained_90d": "still a customer after 90 days (share)",
        "recovered": "recovered (share)",
    }.get(name, name.replace("_", " "))


def all_figures(effects: Sequence[Row], checks: Sequence[Row]) -> dict[str, Figure]:
    """Every plot there are rows for, by a name that can be a file's."""
    pairs = sorted({(row["outcome"], row["arm"]) for row in effects})
    found: dict[str, Figure | None] = {}
    for outcome in sorted({outcome for outcome, _ in pairs}):
        found[f"effects_{outcome}"] = effect_figure(effects, outcome)
    for outcome, arm in pairs:
        # Every playbook's own plots on the money; on the rest those of all playbooks together are enough to look at.
        if outcome == MONEY:
            found[f"parts_{outcome}_{arm}"] = group_figure(effects, outcome, arm)
        if outcome == MONEY or arm == TOGETHER:
            found |= {f"{name}_{outcome}_{arm}": draw(checks, outcome, arm) for name, draw in DIAGNOSTICS.items()}
    return {name: figure for name, figure in found.items() if figure is not None}


def _of(checks: Sequence[Row], outcome: str, arm: str, check: str) -> list[Row]:
    return [
        row for row in checks
        if (row["outcome"], row["arm"], row["check_name"]) == (outcome, arm, check) and row["value"] is not None
    ]  # fmt: skip


def _forest(names: Sequence[str], rows: Sequence[Row], title: str) -> Figure:
    figure, axes = blank(8, 1.5 + 0.42 * len(rows))
    for place, row in enumerate(reversed(rows)):
        _interval(axes, place + 0.12, row["point"], row["low"], row["high"], CAUSAL, "o")
        _interval(axes, place - 0.12, row["naive"], row["naive_low"], row["naive_high"], NAIVE, "s")
    axes.axvline(0, color="black", linewidth=0.8)
    labels = [
        name + ("" if row["point"] is not None else "\n(not enough data)")
        for name, row in zip(names, rows, strict=True)
    ]
    axes.set_yticks(range(len(rows)), list(reversed(labels)))
    axes.set(title=title, xlabel=f"difference to nothing done, {UNITS.get(rows[0]['unit'], rows[0]['unit'])}")
    axes.plot([], [], "o", color=CAUSAL, label="causal estimate")
    axes.plot([], [], "s", color=NAIVE, label="naive difference")
    axes.legend(loc="best", fontsize="small")
    return figure


def _interval(
    axes: Axes, y: float, value: float | None, low: float | None, high: float | None, colour: str, mark: str
) -> None:
    if value is None:
        return
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=colour)
    axes.plot(value, y, mark, color=colour)


DIAGNOSTICS: Mapping[str, Callable[[Sequence[Row], str, str], Figure | None]] = {
    "overlap": overlap_figure,
    "balance": balance_figure,
    "sensitivity": sensitivity_figure,
    "targeting": targeting_figure,
}
