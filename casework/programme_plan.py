"""What applying a folder would change: the differences in words, and the open cases they would touch.

Belongs here: holding open cases against the programme in force and the one in the folder. Not here: the comparison of
two programmes (`casework/programme_diff.py`), counting triggers (`ml/detection/preview.py`), applying
(`casework/programme.py`). Nothing is written. A promise made stays: for a case that runs under a target the plan says
that it keeps it, and what it would be had the case opened under the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from cases import conf
from cases.queue import OpenCase
from casework.programme import SHORT, StillInUse, active_programme, refuse_removals
from casework.programme_diff import Change, changes
from intake.programme import parse_programme, read_files
from models.clocks import SlaClock, clocks, what_if
from models.programme import Programme
from models.recommendation import NothingEligible, recommend
from models.routing import route
from models.settings import Settings
from models.sla import SlaPolicy

Effect = Literal["keeps", "moves"]

# From when on a changed file counts, and for which cases. The first fitting line is taken.
_COUNTS: tuple[tuple[str, str], ...] = (
    ("sla.yml", "targets count for cases that open, reopen or change severity from then on; promises made stay"),
    ("calendars.yml", "hours count for every running clock at once, so due times move; a dated entry under `changes` "
                      "leaves the hours before it as they were"),
    ("routing.yml", "cases that open from then on; open cases stay with their team"),
    ("recommendation.yml", "cases that open from then on; advice given stays"),
    ("triggers/", "signals from then on; what newly fits an older signal becomes a case of history, about which nobody is "
                  "contacted; no case is closed, and none that is known opens again"),
    ("playbooks/", "steps, words and limits for whoever works a case from then on, open ones included"),
    ("messages/", "messages written from then on; those in the outbox leave as they are"),
    ("teams.yml", "the next round of assignment, open cases included"),
    ("escalation.yml", "the next tick, open cases included; steps taken are not taken again"),
    ("contact.yml", "every message at the moment it would leave"),
    ("questionnaire.yml", "cases that close from then on"),
    ("", "the next run of the loop"),
)  # fmt: skip


class NothingInForce(LookupError):
    """No programme was ever applied in this installation, so there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Touched:
    """One open case a change concerns: `keeps` what it has although a new case would get `new`, or `moves` to it."""

    case_id: str
    what: str
    effect: Effect
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer. `refused` says why applying would be refused; `counts` says per file from when it counts."""

    version: str
    effective_from: datetime
    new_version: str
    at: datetime
    old: Programme
    new: Programme
    changes: tuple[Change, ...]
    touched: tuple[Touched, ...]
    open_cases: int
    refused: str | None

    @property
    def is_same_text(self) -> bool:
        """Whether the folder holds the very files that are in force."""
        return self.version == self.new_version

    @property
    def counts(self) -> dict[str, str]:
        """By changed file, from when on the change counts."""
        changed = dict.fromkeys(change.part for change in self.changes)
        return {part: next(said for start, said in _COUNTS if part.startswith(start)) for part in changed}

    @property
    def changed_rules(self) -> frozenset[str]:
        """Ids of trigger rules that were added, removed or changed."""
        return frozenset(c.part.removeprefix("triggers/") for c in self.changes if c.part.startswith("triggers/"))


def plan(settings: Settings, folder: Path, *, at: datetime) -> Plan:
    """Compare a folder with the programme in force at `at`, and open cases under both. Writes nothing.

    Raises `intake.programme.ProgrammeError` for a faulty folder and `NothingInForce` before the first set-up.
    """
    from cases import programmes

    files = read_files(folder)
    new = parse_programme(folder.name, files)
    conf.setup(settings)
    if programmes.in_force(at) is None:
        raise NothingInForce("no programme was ever applied here; `amends setup` does it")
    active = active_programme(settings, at)
    refused = _refusal(new)
    found = changes(active.programme, new)
    cases = _open_cases()
    return Plan(
        version=active.version, effective_from=active.effective_from,
        new_version=programmes.content_hash(files)[:SHORT], at=at, old=active.programme, new=new, changes=found,
        touched=tuple(touched(cases, active.programme, new, at, found)) if refused is None else (),
        open_cases=len(cases), refused=refused,
    )  # fmt: skip


def _refusal(new: Programme) -> str | None:
    try:
        refuse_removals(new)
    except StillInUse as error:
        return str(error)
    return None


def _open_cases() -> list[OpenCase]:
    from cases import queue

    return sorted([*queue.waiting(), *queue.owned()], key=lambda case: case.case_id)


def touched(
    cases: Sequence[OpenCase], old: Programme, new: Programme, at: datetime, found: Sequence[Change]
) -> Iterator[Touched]:
    """The cases that the changes concern, in the order of the cases; only what a changed file can alter is looked at."""
    files = {change.part.partition("/")[0] for change in found}
    for case in cases:
        if files & {"sla.yml", "calendars.yml"}:
            yield from _due_times(case, old.sla, new.sla, at)
        if "routing.yml" in files:
            yield from _team(case, old, new)
        if files & {"recommendation.yml", "playbooks"}:
            yield from _playbook(case, old, new)
        if "triggers" in files:
            yield from _rule(case, found)


def _due_times(case: OpenCase, old: SlaPolicy, new: SlaPolicy, at: datetime) -> Iterator[Touched]:
    """Promises that move because the hours of a calendar do, then those that stay although a new case's would differ."""
    facts = _opening_facts(case)
    promised, moved = _dues(clocks(case.events, old, at)), _dues(clocks(case.events, new, at))
    under_old = _dues(what_if(case.events, old, at, facts=facts))
    under_new = _dues(what_if(case.events, new, at, facts=facts))
    for metric in sorted({*promised, *under_old, *under_new}):
        if promised.get(metric) != moved.get(metric):
            yield Touched(case.case_id, f"{metric} due", "moves", _or_none(promised, metric), _or_none(moved, metric))
        if under_old.get(metric) != under_new.get(metric) and under_new.get(metric) != moved.get(metric):
            yield Touched(case.case_id, f"{metric} due", "keeps", _or_none(moved, metric), _or_none(under_new, metric))


def _dues(found: Sequence[SlaClock]) -> dict[str, str]:
    """When each clock that still runs falls due; a paused one says how much is left."""
    return {
        clock.metric: f"{clock.due_at:%Y-%m-%d %H:%M} UTC"
        if clock.due_at
        else f"{(clock.target_seconds - clock.used_seconds) / 3600:.1f} h left, paused"
        for clock in found
        if clock.is_live
    }


def _or_none(dues: Mapping[str, str], metric: str) -> str:
    return dues.get(metric, "no target")


def _opening_facts(case: OpenCase) -> dict[str, Any]:
    """What was known when the case opened; its severity may have changed since."""
    return case.facts | {"severity": case.events[0].payload.get("severity", case.facts["severity"])}


def _team(case: OpenCase, old: Programme, new: Programme) -> Iterator[Touched]:
    facts = _opening_facts(case)
    before, after = route(old.routing, facts), route(new.routing, facts)
    if (before.team, before.owner_role) == (after.team, after.owner_role):
        return
    if (case.state.team, case.state.owner_role) != (after.team, after.owner_role):
        has = f"{case.state.team} ({case.state.owner_role})" if case.state.team else "none"
        yield Touched(case.case_id, "team", "keeps", has, f"{after.team} ({after.owner_role})")


def _playbook(case: OpenCase, old: Programme, new: Programme) -> Iterator[Touched]:
    """Arms rather than the one drawn: which of them a draw takes changes with every version."""
    before, after = _arms(case, old), _arms(case, new)
    if before != after:
        yield Touched(case.case_id, "recommended playbook", "keeps", before, after)


def _arms(case: OpenCase, programme: Programme) -> str:
    books = [item.playbook for item in programme.playbooks]
    try:
        choice = recommend(books, _opening_facts(case), programme.recommendation, key=case.case_id)
    except NothingEligible:
        return "none"
    return ", ".join(arm.code if arm.propensity == 1 else f"{arm.code} {arm.propensity:.0%}" for arm in choice.arms)


def _rule(case: OpenCase, found: Sequence[Change]) -> Iterator[Touched]:
    """Cases a changed rule opened stay open: whether they are worth working is for whoever has them."""
    mine = [change for change in found if change.part == f"triggers/{case.facts['rule_id']}"]
    if mine:
        fate = "removed" if mine[0].kind == "removed" and not mine[0].where else "changed"
        yield Touched(case.case_id, "rule", "keeps", str(case.facts["rule_id"]), f"{fate}; the case stays open")
