"""The child process of a backtest: day by day, as the loop does it, but on a throw-away ledger.

Belongs here: the order of a day (open, resolve, do what people did at the desk, then end what has expired). Not here: any
rule; everything called is what the live loop calls. Run as `python -m casework.backtest.child FOLDER`, with a folder laid
out by `apart.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from cases import feed, services
from cases.acting import Change, Move
from cases.models import CaseTrigger
from casework import expiry, staffing
from casework.backtest.apart import ACTS, REQUEST
from casework.engine import Engine, start
from casework.opening import open_with
from models.case import Actor, EventKind
from models.facts import ResolutionFact, TriggerFact
from models.settings import Settings

TABLES = ("case", "case_trigger", "case_event")
_DAY = timedelta(days=1)
DESK = Actor("person", "desk")
Fact = TypeVar("Fact", TriggerFact, ResolutionFact)


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person did at the desk to a real case: when (UTC), what, and the triggers the case held."""

    at: datetime
    kind: EventKind
    triggers: tuple[str, ...]


def main(folder: Path) -> None:
    """Work through every set the request names; each leaves an exported ledger and the size of its teams."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    since, end = (datetime.fromisoformat(request[name]) for name in ("since", "end"))
    acts = [
        Act(datetime.fromisoformat(row["at"]), EventKind(row["kind"]), tuple(row["triggers"]))
        for row in json.loads((folder / ACTS).read_text(encoding="utf-8"))
    ]
    for name in request["sets"]:
        # Said outright, so that neither the environment nor a default can mean another ledger.
        settings = Settings(home=folder / name, programme=request["programme"], ledger_url=None, as_of=None)
        replay(settings, since, end, acts)
        services.export(settings, tables=TABLES)


def replay(settings: Settings, since: datetime, end: datetime, acts: Sequence[Act] = ()) -> None:
    """Open the newest detection of a home in its ledger as it would have come in from day to day.

    `acts` are in order of time; each is done on the cases that hold one of its triggers, where the move is allowed.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    services.migrate(settings)
    engine = start(settings, at=end)
    staffing.refresh(engine)
    engine.__dict__.pop("org", None)
    facts = feed.read_facts(settings.ml_outputs, settings.handoff)
    triggers, resolutions = _by_day(facts.triggers, end), _by_day(facts.resolutions, end)
    for day in _days(since, end):
        mine = [act for act in acts if act.at.date() == day]
        one_day(_at(engine, day), triggers.get(day, []), resolutions.get(day, []), mine)
    owners = staffing.owners_present(engine, {})
    members = {team.code: sum(team.code in owner.teams for owner in owners) for team in engine.programme.teams.teams}
    (settings.home / "members.json").write_text(json.dumps(members), encoding="utf-8")


def one_day(
    engine: Engine, triggers: Sequence[TriggerFact], resolutions: Sequence[ResolutionFact], acts: Sequence[Act] = ()
) -> None:
    """What the loop and the desk do in one day as far as it decides which cases there are."""
    done = datetime.min.replace(tzinfo=UTC)
    for act in acts:
        open_with(
            engine,
            [fact for fact in triggers if done < fact.occurred_at <= act.at],
            [fact for fact in resolutions if done < fact.resolved_at <= act.at],
        )
        _do(engine, act)
        done = act.at
    open_with(
        engine,
        [fact for fact in triggers if fact.occurred_at > done],
        [fact for fact in resolutions if fact.resolved_at > done],
    )
    expiry.run(engine)


def _do(engine: Engine, act: Act) -> None:
    """The act on every case that holds one of its triggers; a case in no state for it is left as it is."""
    holding = CaseTrigger.objects.filter(trigger_id__in=act.triggers).values_list("case_id", flat=True)
    said = {"reason": "as at the desk"}
    changes = [Change(case_id, [Move(act.kind, said)], DESK, act.at) for case_id in sorted(set(holding))]
    services.change_all(changes, recorded_at=engine.recorded_at)


def _at(engine: Engine, day: date) -> Engine:
    """The engine at the end of a day, with the people it knows: reading them anew each day took a tenth of a replay."""
    moment = datetime.combine(day, time(), UTC) + _DAY
    now = replace(engine, at=moment, recorded_at=moment)
    now.__dict__["org"] = engine.org
    return now


def _days(since: datetime, end: datetime) -> Iterator[date]:
    day = since
    while day < end:
        yield day.date()
        day += _DAY


def _by_day(facts: Iterable[Fact], end: datetime) -> dict[date, list[Fact]]:
    """Facts by day; what became known at the very end belongs to the last day."""
    found: dict[date, list[Fact]] = {}
    for fact in facts:
        at = fact.occurred_at if isinstance(fact, TriggerFact) else fact.resolved_at
        found.setdefault((at if at != end else at - _DAY).date(), []).append(fact)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
