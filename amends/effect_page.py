"""The page `amends effect report` writes: question, estimate, interval, naive twin, diagnostics, what would change our mind.

Belongs here: turning rows of the study into one self-contained page (plots within, nothing fetched). Not here: any figure
(`ml/recovery`), or where the page goes (`amends/commands/effect.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.recovery.attempts import MONEY, TOGETHER

Row = Mapping[str, Any]
TITLES = {
    "net_margin_90d": ("Money", "How much more margin, net of offers and handling, did a case bring within 90 days than if "
                       "nothing had been done for it?"),
    "retained_90d": ("Staying", "How many more customers of a hundred were still there after 90 days?"),
    "recovered": ("Recovered", "How many more customers of a hundred said that the matter was put right, and did not come "
                  "back with it?"),
}  # fmt: skip
LINES = {"identified": "At risk in open cases", "gross_not_causal": "Gross, not causal", "saved": "Saved"}
READING = (
    "Who got which playbook was not drawn by lot: grave and valuable cases are treated differently. The causal estimate "
    "compares each case with cases like it in all that was known before the decision; the naive difference compares the "
    "plain averages and is shown only to be seen failing. Where hardly any comparable case went the other way, there is no "
    "estimate. Intervals are 95 % and by customer."
)
# The order in which checks are read, and which of them are drawn or told elsewhere.
CHECKS = ("overlap", "balance_overall", "placebo_outcome", "placebo_treatment", "robustness", "sensitivity", "survival",
          "heterogeneity", "drift")  # fmt: skip
_LEVELS = ("all", "severity", "segment", "cause")


def page(tables: Mapping[str, Sequence[Row]], assumptions: Sequence[str]) -> str:
    """The page as HTML. `tables` are the rows of ml_recovery__effect, __diagnostic and, where known, __revenue."""
    from jinja2 import Environment, StrictUndefined

    effects, checks = tables["ml_recovery__effect"], tables["ml_recovery__diagnostic"]
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    )
    return template.render(
        as_of=f"{effects[0]['as_of']:%-d %B %Y}" if effects else "no data yet",
        attempts=f"{max((row['n'] for row in _own(effects, MONEY)), default=0):,}",
        stretch=_stretch(_own(effects, MONEY)),
        saved=_saved(effects),
        reading=READING,
        waterfall=[
            _line(row) for row in sorted(tables.get("ml_recovery__revenue", ()), key=lambda row: row["line_no"])
        ],
        rates=[_rate(row) for row in tables.get("ml_recovery__rate", ()) if row["level"] in ("treated", "playbook")],
        questions=[_question(outcome, effects, checks) for outcome in TITLES if _own(effects, outcome)],
        assumptions=assumptions,
    )


def _saved(effects: Sequence[Row]) -> dict[str, str] | None:
    """The headline: revenue saved in all, net, with its interval and its naive twin."""
    rows = [row for row in _own(effects, MONEY) if row["arm"] == TOGETHER and row["point"] is not None]
    if not rows:
        return None
    row = rows[0]
    return {
        "total": _said(row["total"], "usd", whole=True),
        "interval": f"{_said(row['total_low'], 'usd', whole=True)} to {_said(row['total_high'], 'usd', whole=True)}",
        "naive": " to ".join(_said(row[end] * row["n_overlap"], "usd", whole=True) for end in ("naive_low", "naive_high")),
        "n": f"{row['n_overlap']:,}",
        "standing": row["standing"], "css": row["standing"].replace(" ", "-"), "sentence": row["sentence"],
    }  # fmt: skip


def _own(effects: Sequence[Row], outcome: str) -> list[Row]:
    return [row for row in effects if row["outcome"] == outcome and row["level"] == "all"]


def _stretch(effects: Sequence[Row]) -> str:
    if not effects or effects[0]["from_at"] is None:
        return ""
    return f"{min(row['from_at'] for row in effects):%-d %B %Y} to {max(row['until_at'] for row in effects):%-d %B %Y}"


def _question(outcome: str, effects: Sequence[Row], checks: Sequence[Row]) -> dict[str, Any]:
    from ml.drawing import inline
    from ml.recovery.figures import effect_figure

    title, question = TITLES[outcome]
    figure = effect_figure(effects, outcome)
    rows = sorted(_own(effects, outcome), key=lambda row: (row["arm"] != TOGETHER, row["arm"]))
    return {
        "title": title,
        "question": question,
        "figure": inline(figure) if figure else None,
        "rows": [_effect(row, effects, checks) for row in rows],
    }


def _effect(row: Row, effects: Sequence[Row], checks: Sequence[Row]) -> dict[str, Any]:
    own = sorted(
        (check for check in checks if (check["outcome"], check["arm"]) == (row["outcome"], row["arm"])),
        key=lambda check: check["subject"],
    )
    parts = [
        other for other in effects
        if (other["outcome"], other["arm"]) == (row["outcome"], row["arm"]) and other["level"] != "all"
    ]  # fmt: skip
    return {
        **_figures(row),
        "arm": row["arm"],
        "open": row["arm"] == TOGETHER,
        "sentence": row["sentence"],
        # A doubt is part of the sentence already.
        "reason": row["reason"] if row["reason"] and row["reason"] not in row["sentence"] else None,
        "checks": [_check(check) for name in CHECKS for check in own if check["check_name"] == name],
        "change": [check["sentence"] for check in own if check["check_name"] == "change_of_mind"],
        "parts": [
            {**_figures(part), "name": f"{part['level']} {part['subject']}"}
            for part in sorted(parts, key=lambda part: (_LEVELS.index(part["level"]), part["subject"]))
        ],
        "figures": _plots(row, effects, checks),
    }


def _plots(row: Row, effects: Sequence[Row], checks: Sequence[Row]) -> list[dict[str, str]]:
    from ml.drawing import inline
    from ml.recovery.figures import DIAGNOSTICS, group_figure

    outcome, arm = row["outcome"], row["arm"]
    drawn = {"parts": group_figure(effects, outcome, arm)}
    drawn |= {name: draw(checks, outcome, arm) for name, draw in DIAGNOSTICS.items()}
    return [{"name": f"{arm}, {name}", "source": inline(figure)} for name, figure in drawn.items() if figure]


def _figures(row: Row) -> dict[str, Any]:
    """An estimate as people read it: dollars, or points of a hundred."""
    unit = row["unit"]
    interval = f"{_said(row['low'], unit)} to {_said(row['high'], unit)}" if row["low"] is not None else ""
    total = "" if row["total"] is None else _said(row["total"], unit, whole=True)
    return {
        "point": _said(row["point"], unit) or "not told", "interval": interval, "naive": _with_ends(row, "naive", unit),
        "total": total, "n": f"{row['n_overlap']:,} of {row['n_treated']:,}", "standing": row["standing"],
        "css": row["standing"].replace(" ", "-"),
    }  # fmt: skip


def _with_ends(row: Row, name: str, unit: str) -> str:
    if row[name] is None:
        return ""
    return f"{_said(row[name], unit)} ({_said(row[f'{name}_low'], unit)} to {_said(row[f'{name}_high'], unit)})"


def _said(value: float | None, unit: str, *, whole: bool = False) -> str:
    if value is None:
        return ""
    if unit == "share":
        return f"{value:+,.0f} customers" if whole else f"{100 * value:+.1f} points"
    sign = "-" if value < 0 else "+"
    return f"{sign}${abs(value):,.0f}" if whole else f"{sign}${abs(value):,.2f}"


def _check(row: Row) -> dict[str, str]:
    passed = row["is_passed"]
    mark = {True: "holds:", False: "FAILS:", None: ""}[passed]
    return {"sentence": row["sentence"], "mark": mark, "css": "failed" if passed is False else ""}


def _rate(row: Row) -> dict[str, str]:
    told = (
        ""
        if row["adjusted"] is None
        else f"{row['adjusted']:.0%} ({row['adjusted_low']:.0%} to {row['adjusted_high']:.0%})"
    )
    return {
        "name": row["subject"], "known": f"{row['n_known']:,} of {row['n']:,}",
        "raw": "" if row["raw"] is None else f"{row['raw']:.0%} ({row['raw_low']:.0%} to {row['raw_high']:.0%})",
        "adjusted": told or "not told",
        "bounds": f"{row['worst']:.0%} to {row['best']:.0%}" if row["worst"] is not None else "", "reason": row["reason"] or "",
    }  # fmt: skip


def _line(row: Row) -> dict[str, str]:
    interval = (
        ""
        if row["low"] is None
        else f"{_said(row['low'], 'usd', whole=True)} to {_said(row['high'], 'usd', whole=True)}"
    )
    return {
        "name": LINES[row["line"]], "value": "not told" if row["point"] is None else _said(row["point"], "usd", whole=True),
        "interval": interval, "words": row["sentence"],
    }  # fmt: skip
