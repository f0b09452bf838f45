"""The figures of a backtest: how much, for whom, how often rightly, how early, and what rules share.

Belongs here: pure figures over judged would-be cases. Not here: intervals (`intervals.py`), verdicts (`aftermath.py`),
the comparison with the rules in force (`against.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from casework.backtest.aftermath import After, Judged, lead_times
from casework.backtest.apart import Opened, Span, WouldBe
from casework.backtest.intervals import Lift, Median, Rate, lift, median, weekly_rate
from models.outcome import Ratio
from models.staff import WorkUnits
from models.trigger import TriggerRule

_WEEK = timedelta(days=7)


def in_span(cases: Iterable[WouldBe], span: Span) -> list[WouldBe]:
    """Cases that opened in the stretch that counts."""
    return [case for case in cases if span.begin <= case.opened_at < span.end]


def by_week(cases: Iterable[WouldBe], span: Span) -> tuple[list[int], int]:
    """Cases of each whole week from the first day on, and those of the days left over."""
    weeks = (span.end - span.begin) // _WEEK
    counts = Counter((case.opened_at - span.begin) // _WEEK for case in cases)
    return [counts[week] for week in range(weeks)], counts[weeks]


def rate(cases: Sequence[WouldBe], span: Span) -> Rate:
    """Cases per week with its interval."""
    counts, rest = by_week(cases, span)
    return weekly_rate(counts, rest=rest, rest_days=(span.end - span.begin - len(counts) * _WEEK).days)


@dataclass(frozen=True, slots=True)
class Precision:
    """How often rightly. `share` counts the cases with a verdict only; whatever the unknown ones are, the share of all
    lies between `at_least` and `at_most` (Manski 1989). All None without a case; shares None without a verdict."""

    right: int
    wrong: int
    unknown: int
    share: float | None
    low: float | None
    high: float | None
    at_least: float | None
    at_most: float | None
    reasons: Mapping[str, int]


def precision(judged: Sequence[Judged]) -> Precision:
    """Precision with its Wilson interval, and how each verdict came about."""
    counts = Counter(item.verdict for item in judged)
    right, wrong, n = counts["right"], counts["wrong"], len(judged)
    known = Ratio(right, right + wrong, missing=counts["unknown"])
    low, high = known.wilson() or (None, None)
    reasons = Counter(f"{item.verdict}: {item.reason}" for item in judged)
    return Precision(
        right, wrong, counts["unknown"], known.value, low, high,
        right / n if n else None, 1 - wrong / n if n else None, dict(sorted(reasons.items())),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Followed:
    """Signals a rule picked that something bad followed within the time, among those of which that can be said; and how
    many times as often that is as on signals of the same kinds it did not pick."""

    hits: int
    n: int
    not_judged: int
    share: float | None
    low: float | None
    high: float | None
    other_share: float | None
    lift: Lift


def followed(picked: Collection[str], kinds: Collection[str], after: Mapping[str, tuple[str, After]]) -> Followed:
    """What followed the signals a rule picked, beside the other signals of its kinds (empty: every kind)."""
    same = {signal: item for signal, (kind, item) in after.items() if not kinds or kind in kinds}
    mine = [item for signal, item in same.items() if signal in picked]
    judged = [item for item in mine if item.is_judged]
    others = [item for signal, item in same.items() if signal not in picked and item.is_judged]
    hits, other_hits = sum(item.followed for item in judged), sum(item.followed for item in others)
    share, other = Ratio(hits, len(judged)), Ratio(other_hits, len(others))
    low, high = share.wilson() or (None, None)
    return Followed(
        hits, len(judged), len(mine) - len(judged), share.value, low, high, other.value,
        lift(hits, len(judged), other_hits, len(others)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule of the set. `triggers` are its triggers in the stretch, `cases` those it opened, `joined` triggers that
    joined a case, `alone` the cases that hold no other rule's trigger: they would be lost without it."""

    rule_id: str
    status: str
    title: str
    kind: str
    triggers: int
    cases: int
    joined: int
    alone: int
    weeks: Sequence[int]
    per_week: Rate
    precision: Precision
    followed: Followed
    lead_days: Median


def rule_figures(
    rules: Iterable[TriggerRule],
    cases: Sequence[WouldBe],
    judged: Sequence[Judged],
    span: Span,
    after: Mapping[str, tuple[str, After]],
) -> list[RuleFigures]:
    """Figures of every rule, most cases first. `cases` are all that were opened, `judged` those that count."""
    by_rule: dict[str, list[Judged]] = {}
    for item in judged:
        by_rule.setdefault(item.case.rule_id, []).append(item)
    hits = Counter[str]()
    picked: dict[str, set[str]] = {}
    for hit in (hit for case in cases for hit in case.hits if span.begin <= hit.at < span.end):
        hits[hit.rule_id] += 1
        if hit.signal_id is not None:
            picked.setdefault(hit.rule_id, set()).add(hit.signal_id)
    found = [
        _figures(rule, by_rule.get(rule.id, []), hits[rule.id], picked.get(rule.id, set()), span, after)
        for rule in rules
    ]
    return sorted(found, key=lambda item: (-item.cases, item.rule_id))


def _figures(
    rule: TriggerRule,
    own: Sequence[Judged],
    hits: int,
    picked: Collection[str],
    span: Span,
    after: Mapping[str, tuple[str, After]],
) -> RuleFigures:
    opened = [item.case for item in own]
    alone = sum(case.rules == {rule.id} for case in opened)
    return RuleFigures(
        rule.id, rule.status, rule.title, rule.kind, hits, len(opened), hits - len(opened), alone,
        by_week(opened, span)[0], rate(opened, span), precision(own), followed(picked, rule.signal_kinds, after),
        median(lead_times(own)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """What comes to a team. `units_per_week` are work units as assignment counts them, `per_member` cases per week and
    person present at the end of the stretch; None where nobody is."""

    team: str
    cases: int
    per_week: Rate
    units_per_week: float
    members: int
    per_member: float | None
    by_severity: Mapping[int, int]
    by_role: Mapping[str, int]


def team_loads(opened: Opened, cases: Sequence[WouldBe], span: Span, units: WorkUnits) -> list[TeamLoad]:
    """Load of every team that gets a case, the heaviest first."""
    teams = sorted({case.team for case in cases})
    found = [
        _load([case for case in cases if case.team == team], opened.members.get(team, 0), span, units) for team in teams
    ]
    return sorted(found, key=lambda item: (-item.cases, item.team))


def _load(own: Sequence[WouldBe], members: int, span: Span, units: WorkUnits) -> TeamLoad:
    per_week = rate(own, span)
    work = sum(units.of(severity=case.severity, kind=case.kind) for case in own)
    severities, roles = Counter(case.severity for case in own), Counter(case.owner_role for case in own)
    return TeamLoad(
        own[0].team, len(own), per_week, work / per_week.weeks, members, per_week.value / members if members else None,
        dict(sorted(severities.items())), dict(sorted(roles.items())),
    )  # fmt: skip


def owner_counts(cases: Iterable[WouldBe]) -> dict[str, int]:
    """Cases by the person a source names as having worked them, most first."""
    counts = Counter(owner for case in cases for owner in case.owners[-1:])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much two rules are about the same cases: those with triggers of both, over those of either."""

    one: str
    other: str
    both: int
    jaccard: float
    share_of_one: float
    share_of_other: float


def overlaps(cases: Sequence[WouldBe]) -> list[Overlap]:
    """Every pair of rules that share a case, the closest first."""
    holding: dict[str, set[str]] = {}
    for case in cases:
        for rule in case.rules:
            holding.setdefault(rule, set()).add(case.case_id)
    found = []
    for one, other in combinations(sorted(holding), 2):
        both = len(holding[one] & holding[other])
        if both:
            either = len(holding[one] | holding[other])
            found.append(Overlap(one, other, both, both / either, both / len(holding[one]), both / len(holding[other])))
    return sorted(found, key=lambda item: (-item.jaccard, item.one, item.other))


@dataclass(frozen=True, slots=True)
class AtBudget:
    """Precision of the cases a team would be told of at once, and of those beyond its budget of the week."""

    budget: int
    within: Precision
    beyond: Precision
    weeks_over: int


def at_budget(judged: Sequence[Judged], span: Span, budget: int) -> AtBudget:
    """In each week the first `budget` cases of a team by severity, then value, then time; the others are beyond.

    The order uses nothing that is known later, so that the figure is no better than what could be had at the time.
    """
    groups: dict[tuple[str, int], list[Judged]] = {}
    for item in judged:
        groups.setdefault((item.case.team, (item.case.opened_at - span.begin) // _WEEK), []).append(item)
    within: list[Judged] = []
    beyond: list[Judged] = []
    for group in groups.values():
        ranked = sorted(group, key=_urgent)
        within += ranked[:budget]
        beyond += ranked[budget:]
    over = sum(len(group) > budget for group in groups.values())
    return AtBudget(budget, precision(within), precision(beyond), over)


def _urgent(item: Judged) -> tuple[int, float, str, str]:
    case = item.case
    return case.severity, -(case.value_usd or 0.0), case.opened_at.isoformat(), case.case_id
