"""The whole backtest: two sets of rules over one stretch, opened apart, judged, measured and laid side by side.

Belongs here: the order of the work and the report as JSON-ready values. Not here: any figure (the modules beside this
one), finding triggers (handed in, because this room does not know ml), printing and drawing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from casework.backtest import measures
from casework.backtest.aftermath import FOLLOW_DAYS, Judged, Record, judge, read_record
from casework.backtest.against import Against, changed, compare
from casework.backtest.apart import Opened, Span, WouldBe, open_apart
from casework.backtest.rule_sets import RuleSets
from models.settings import Settings
from models.trigger import TriggerRule

# What a person can take in beside the work: 5 to 8 immediate alerts each and week, for a team of five.
DEFAULT_BUDGET = 30
# Rules and the stretch from since to until -> rows of the trigger table.
Find = Callable[[Sequence[TriggerRule], datetime, datetime], pa.Table]

ASSUMPTIONS = (
    "Rules count for the whole stretch, whatever their effective_from says.",
    "Each day is decided on what was known by its end: causes coded on solving, auditing or reviewing a matter later are "
    "taken back. Today's models are not: they have learnt from texts of the stretch and after it.",
    "Cases end by the resolutions on record and by expiry. What people would have done about a case that never was, and "
    "what they did at the desk about those that were, is not played: such a case takes later signals until it expires.",
    "A signal counts on the day it occurred, also one that was delivered late.",
    "Routing, targets and expiry are those of the programme in force, for both sets.",
    "Who of a team would have had a case depends on who was present with how much to do; only people whom a source names "
    "are counted as owners, everything else by team, and per present member.",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the days from `begin` up to and with `last`, alerts per team and week.

    `known` is the instant up to which the evidence goes (UTC); `customers` a Parquet file of `dim_customer`, None when
    there is none, so that nobody knows who left.
    """

    begin: date
    last: date
    known: datetime
    budget: int = DEFAULT_BUDGET
    customers: Path | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Both sets as opened, the comparison, and the report. Cases before `Span.begin` are in `opened` only."""

    span: Span
    opened: Mapping[str, Opened]
    judged: Mapping[str, tuple[Judged, ...]]
    against: Against
    report: dict[str, Any]


def backtest(settings: Settings, sets: RuleSets, request: Request, find: Find) -> Backtest:
    """Run both sets through detection and a throw-away ledger and compare them.

    Raises `ValueError` for an empty or future stretch, and `casework.backtest.apart.ReplayFailed`.
    """
    span = _span(sets, request)
    found = {
        "live": find(sets.live, span.since, span.end),
        "candidate": find(sets.candidate, span.since, span.end),
    }
    with tempfile.TemporaryDirectory(prefix="amends-backtest-") as folder:
        opened = open_apart(settings, sets.files, found, span, Path(folder))
    record = read_record(settings, request.customers, span.since, span.end, request.known)
    counted = {name: measures.in_span(item.cases, span) for name, item in opened.items()}
    judged = {name: judge(cases, record) for name, cases in counted.items()}
    against = compare(counted["live"], counted["candidate"])
    result = Backtest(span, opened, judged, against, {})
    result.report.update(_report(result, sets, request, record))
    return result


def _span(sets: RuleSets, request: Request) -> Span:
    begin = datetime.combine(request.begin, time(), UTC)
    end = datetime.combine(request.last, time(), UTC) + timedelta(days=1)
    if end <= begin:
        raise ValueError("the stretch ends before it begins")
    if begin >= request.known:
        raise ValueError(f"the evidence ends on {request.known:%Y-%m-%d}, before the stretch begins")
    # A signal of the first day may belong to a case that was open already: begin early enough to know.
    longest = max((rule.dedupe_days for rule in (*sets.live, *sets.candidate)), default=0)
    return Span(begin - timedelta(days=longest), begin, end)


def _report(found: Backtest, sets: RuleSets, request: Request, record: Record) -> dict[str, Any]:
    span, units = found.span, sets.programme.teams.work_units
    rules = {"live": sets.live, "candidate": sets.candidate}
    document: dict[str, Any] = {
        "ok": True,
        "from": request.begin.isoformat(), "to": request.last.isoformat(), "warm_up_from": f"{span.since:%Y-%m-%d}",
        "evidence_until": request.known.isoformat(), "programme": sets.version, "follow_days": FOLLOW_DAYS,
        "is_complete": request.known >= span.end - timedelta(days=1), "knows_who_left": record.knows_leaving,
        "assumptions": list(ASSUMPTIONS),
    }  # fmt: skip
    for name, judged in found.judged.items():
        cases = [item.case for item in judged]
        figures = measures.rule_figures(rules[name], found.opened[name].cases, judged, span, record.after)
        document[name] = {
            "triggers": sum(item.triggers for item in figures),
            "cases": len(cases),
            "joined": sum(item.joined for item in figures),
            "per_week": asdict(measures.rate(cases, span)),
            "weeks": measures.by_week(cases, span)[0],
            "precision": asdict(measures.precision(judged)),
            "at_budget": asdict(measures.at_budget(judged, span, request.budget)),
            "rules": [asdict(item) for item in figures],
            "teams": [asdict(item) for item in measures.team_loads(found.opened[name], cases, span, units)],
            "owners": measures.owner_counts(cases),
            "owner_not_named": sum(not case.owners for case in cases),
            "overlaps": [asdict(item) for item in measures.overlaps(cases)],
        }
    document["against"] = _side_by_side(found)
    return document


def _side_by_side(found: Backtest) -> dict[str, Any]:
    verdicts = {item.case.case_id: item for items in found.judged.values() for item in items}
    gained, lost = found.against.gained, found.against.lost
    moved = changed(found.against.kept)
    return {
        "kept": len(found.against.kept),
        "gained": len(gained),
        "lost": len(lost),
        "changed": len(moved),
        "gained_precision": asdict(measures.precision([verdicts[case.case_id] for case in gained])),
        "lost_precision": asdict(measures.precision([verdicts[case.case_id] for case in lost])),
        "gained_weeks": measures.by_week(gained, found.span)[0],
        "lost_weeks": measures.by_week(lost, found.span)[0],
        "gained_cases": [_line(case, verdicts[case.case_id]) for case in gained],
        "lost_cases": [_line(case, verdicts[case.case_id]) for case in lost],
        "changed_cases": [_line(pair.new, verdicts[pair.new.case_id]) | {"changes": pair.changes} for pair in moved],
    }


def _line(case: WouldBe, judged: Judged) -> dict[str, Any]:
    """A case as something to look up: where the real ledger has it, it has the same id."""
    return {
        "case_id": case.case_id, "rule_id": case.rule_id, "opened_at": case.opened_at.isoformat(), "team": case.team,
        "severity": case.severity, "signal_id": case.hits[0].signal_id, "verdict": judged.verdict,
        "reason": judged.reason,
    }  # fmt: skip
