"""What teams are told about alerts they did not get: once for each flood, and once a day about everything withheld; and
what their managers are told: once for each flood.

Belongs here: which withheld alerts a summary is about, and its key. Not here: withholding (`casework/alerting.py`), words
(`messages.py`). All of it is read from the ledger, so a tick that dies or runs twice tells nothing twice and leaves nothing
out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cases import alerts_sent
from cases.alerts_sent import Sent
from casework import messages
from casework.alerting import flooded_by
from casework.engine import Engine
from casework.expiry import surroundings
from models.escalation import Recipient, whom_over
from models.message import OutgoingMessage

# A stop of the loop for up to so long leaves nothing out of the summaries.
_BACK = timedelta(days=14)


def team_digests(engine: Engine) -> list[OutgoingMessage]:
    """One message a day (UTC) and team with what was withheld since its last one; nothing for a quiet team."""
    now = engine.recorded_at
    rows = alerts_sent.withheld(since=now - _BACK)
    last = alerts_sent.last_digests({row.team for row in rows})
    by_team = _grouped((row for row in rows if row.team not in last or row.at > last[row.team]), lambda row: row.team)
    day = now.date().isoformat()
    return [
        messages.withheld_digest(engine, team, f"{alerts_sent.DIGEST_KEY}{team}|{day}", rows)
        for team, rows in by_team.items()
    ]


def floods(engine: Engine) -> list[OutgoingMessage]:
    """One message for each flood of a team: when it began and how many alerts are held so far. Told once, by its key."""
    by_team = _grouped(alerts_sent.held(since=engine.recorded_at - _BACK), lambda row: row.team)
    return [
        messages.flood(engine, team, f"flood|{team}|{episode[0].at.isoformat()}", episode)
        for team, rows in by_team.items()
        for episode in _told_of(engine, rows)
    ]


def floods_over(engine: Engine) -> list[OutgoingMessage]:
    """One message for each flood to the manager of its team, or of all its teams where it is one of all. Told once.

    Whoever was there when the flood began is told, so that a change of people tells nobody twice; the next one up where
    the manager was away.
    """
    rows = alerts_sent.held(since=engine.recorded_at - _BACK)
    words = []
    for flooded, held in _grouped(rows, lambda row: flooded_by(row.team, row.reason)).items():
        for episode in _told_of(engine, held):
            began = episode[0].at
            around = replace(surroundings(engine), now=began)
            by_team = _grouped(episode, lambda row: row.team)
            over = {team: whom_over(team, "manager", around) for team in by_team}
            words += [
                messages.flood_over(
                    engine, boss, f"flood|{flooded}|{began.isoformat()}|{boss}",
                    {team: rows for team, rows in by_team.items() if over[team] == Recipient("employee", boss)},
                )
                for boss in sorted({found.id for found in over.values() if found is not None})
            ]  # fmt: skip
    return words


def _grouped(rows: Iterable[Sent], key: Callable[[Sent], str]) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(sorted(found.items()))


def _told_of(engine: Engine, rows: Iterable[Sent]) -> list[Sequence[Sent]]:
    """Floods whose beginning we have seen: what was going on already when we begin to look was told under its own key."""
    policy = engine.programme.alerts
    quiet = timedelta(minutes=max(policy.team_breaker.minutes, policy.overall_breaker.minutes))
    return [episode for episode in episodes(rows, quiet) if episode[0].at - (engine.recorded_at - _BACK) > quiet]


def episodes(rows: Iterable[Sent], quiet: timedelta) -> list[Sequence[Sent]]:
    """Held alerts, oldest first, in floods: a new one begins after more than `quiet` without any."""
    found: list[list[Sent]] = []
    before: datetime | None = None
    for row in rows:
        if before is None or row.at - before > quiet:
            found.append([])
        found[-1].append(row)
        before = row.at
    return list(found)
