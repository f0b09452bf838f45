"""The child process of a backtest: day by day, as the loop does it, but on a throw-away ledger.

Belongs here: the order of a day (open and resolve, then end what has expired). Not here: any rule; everything called is
what the live loop calls. Run as `python -m casework.backtest.child FOLDER`, with a folder laid out by `apart.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from cases import feed, services
from casework import expiry, staffing
from casework.backtest.apart import REQUEST
from casework.engine import Engine, start
from casework.opening import open_with
from models.facts import ResolutionFact, TriggerFact
from models.settings import Settings

TABLES = ("case", "case_trigger", "case_event")
_DAY = timedelta(days=1)
Fact = TypeVar("Fact", TriggerFact, ResolutionFact)


def main(folder: Path) -> None:
    """Work through every set the request names; each leaves an exported ledger and the size of its teams."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    since, end = (datetime.fromisoformat(request[name]) for name in ("since", "end"))
    for name in request["sets"]:
        # Said outright, so that neither the environment nor a default can mean another ledger.
        settings = Settings(home=folder / name, programme=request["programme"], ledger_url=None, as_of=None)
        replay(settings, since, end)
        services.export(settings, tables=TABLES)


def replay(settings: Settings, since: datetime, end: datetime) -> None:
    """Open the newest detection of a home in its ledger as it would have come in from day to day."""
    settings.state.mkdir(parents=True, exist_ok=True)
    services.migrate(settings)
    engine = start(settings, at=end)
    staffing.refresh(engine)
    engine.__dict__.pop("org", None)
    facts = feed.read_facts(settings.ml_outputs, settings.handoff)
    triggers, resolutions = _by_day(facts.triggers), _by_day(facts.resolutions)
    for day in _days(since, end):
        one_day(_at(engine, day), triggers.get(day, []), resolutions.get(day, []))
    owners = staffing.owners_present(engine, {})
    members = {team.code: sum(team.code in owner.teams for owner in owners) for team in engine.programme.teams.teams}
    (settings.home / "members.json").write_text(json.dumps(members), encoding="utf-8")


def one_day(engine: Engine, triggers: Iterable[TriggerFact], resolutions: Iterable[ResolutionFact]) -> None:
    """What the loop does with one day's evidence as far as it decides which cases there are."""
    open_with(engine, triggers, resolutions)
    expiry.run(engine)


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


def _by_day(facts: Iterable[Fact]) -> dict[date, list[Fact]]:
    found: dict[date, list[Fact]] = {}
    for fact in facts:
        at = fact.occurred_at if isinstance(fact, TriggerFact) else fact.resolved_at
        found.setdefault(at.date(), []).append(fact)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
