"""What teams are told about alerts they did not get: once for each flood, and once a day about everything withheld.

Belongs here: which withheld alerts a summary is about, and its key. Not here: withholding (`casework/alerting.py`), words
(`messages.py`). All of it is read from the ledger, so a tick that dies or runs twice tells nothing twice and leaves nothing
out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cases import alerts_sent
from cases.alerts_sent import Sent
from casework import messages
from casework.engine import Engine
from models.message import OutgoingMessage

# A stop of the loop for up to so long leaves nothing out of the summaries.
_BACK = timedelta(days=14)


def team_digests(engine: Engine) -> list[OutgoingMessage]:
    """One message a day (UTC) and team with what was withheld since its last one; nothing for a quiet team."""
    now = engine.recorded_at
    rows = alerts_sent.withheld(since=now - _BACK)
    last = alerts_sent.last_digests({row.team for row in rows})
    by_team: dict[str, list[Sent]] = defaultdict(list)
    for row in rows:
        if row.team not in last or row.at > last[row.team]:
            by_team[row.team].append(row)
    day = now.date().isoformat()
    return [
        messages.withheld_digest(engine, team, f"{alerts_sent.DIGEST_KEY}{team}|{day}", rows)
        for team, rows in sorted(by_team.items())
    ]


def floods(engine: Engine) -> list[OutgoingMessage]:
    """One message for each flood of a team: when it began and how many alerts are held so far. Told once, by its key."""
    policy = engine.programme.alerts
    quiet = timedelta(minutes=max(policy.team_breaker.minutes, policy.overall_breaker.minutes))
    since = engine.recorded_at - _BACK
    by_team: dict[str, list[Sent]] = defaultdict(list)
    for row in alerts_sent.held(since=since):
        by_team[row.team].append(row)
    return [
        messages.flood(engine, team, f"flood|{team}|{episode[0].at.isoformat()}", episode)
        for team, rows in sorted(by_team.items())
        for episode in episodes(rows, quiet)
        # What was going on already when we begin to look was told then, under its own key.
        if episode[0].at - since > quiet
    ]


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
