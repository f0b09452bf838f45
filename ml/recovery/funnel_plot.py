"""The funnel plot of owners or teams: each against what chance gives units that are all alike.

Belongs here: drawing from the rows of `ml_recovery__owner`. Not here: any figure of theirs (`owners.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml.drawing import blank
from ml.recovery.owner_table import ABOVE, ALIKE, BELOW, FEW

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
COLOURS = {ABOVE: "#2ca02c", BELOW: "#d62728", ALIKE: "#1f77b4", FEW: "#bdbdbd"}


def funnel_figure(rows: Sequence[Row], outcome: str, unit_type: str = "owner") -> Figure | None:
    """Adjusted figures (dots) over cases with a known outcome, naive ones (crosses), and the limits of 95 and 99.8 %.

    Limits belong to each unit's own cases, so they are steps rather than curves. Only who is beyond chance when all
    comparisons are taken together is named. None when nobody has a known outcome.
    """
    told = [r for r in rows if (r["outcome"], r["unit_type"]) == (outcome, unit_type) and r["adjusted"] is not None]
    if not told:
        return None
    told.sort(key=lambda row: (row["known"], row["unit_id"]))
    figure, axes = blank(8, 4.5)
    known = [row["known"] for row in told]
    for low, high, style, name in (
        ("funnel_low95", "funnel_high95", "--", "95 %"), ("funnel_low998", "funnel_high998", "-", "99.8 %"),
    ):  # fmt: skip
        for side in (low, high):
            axes.step(known, [row[side] for row in told], style, where="mid", color="#757575", linewidth=1,
                      label=f"chance, {name}" if side == low else None)  # fmt: skip
    axes.axhline(told[0]["group_mean"], color="#757575", linewidth=0.8)
    axes.scatter(known, [row["naive"] for row in told], marker="x", color="#9e9e9e", s=18, label="raw")
    for verdict, colour in COLOURS.items():
        some = [row for row in told if row["verdict"] == verdict]
        if some:
            axes.scatter([r["known"] for r in some], [r["adjusted"] for r in some], color=colour, s=26, label=verdict)
        if verdict in (ABOVE, BELOW):
            for row in some:
                axes.annotate(row["unit_id"], (row["known"], row["adjusted"]), fontsize=8, xytext=(4, 4),
                              textcoords="offset points")  # fmt: skip
    unit = "share" if told[0]["unit"] == "share" else "US dollars a case"
    axes.set(
        xlabel="cases with a known outcome", ylabel=unit, title=f"{outcome.replace('_', ' ')} by {unit_type}, adjusted"
    )
    axes.legend(fontsize=8)
    return figure
