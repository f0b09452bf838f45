"""Which open case will miss its target: rows of cases at ages of their target, and whether they then missed it.

Belongs here: the rows and their words. Not here: clocks (`models/clocks.py`) or fitting (`training.py`).

Method: landmarks (van Houwelingen 2007): a case counts at 0, 1/4, 1/2 and 3/4 of its target if it was still open then,
with what was known then, so the model gives P(missed | open at this age). Censoring: a case enters only when its target's
instant has passed, whatever became of it; quick cases would otherwise be counted before slow ones of the same day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.early_warning.training import Past
from models.target import Presence, Target

KIND = "breach"
LANDMARKS = (0.0, 0.25, 0.5, 0.75)
NUMBERS = (
    "share_used", "severity", "log_target_hours", "team_open", "open_per_person", "team_late_30d", "owner_open",
    "has_owner", "reopens", "hour", "weekday",
)  # fmt: skip
CATEGORIES = ("team", "cause_id", "rule_id", "channel")
WORDS: Mapping[str, str] = {
    "share_used": "{:.0%} of the time is used",
    "severity": "severity {:.0f}",
    "log_target_hours": "length of the target",
    "team_open": "{:.0f} open cases in the team",
    "open_per_person": "{:.1f} open cases per present person",
    "team_late_30d": "{:.0%} of the team's targets missed in 30 days",
    "owner_open": "{:.0f} open cases of the owner",
    "has_owner": "whether it has an owner",
    "reopens": "reopened {:.0f} times",
    "hour": "hour {:.0f} of the day, UTC",
    "weekday": "day {:.0f} of the week",
    "team": "team {}",
    "cause_id": "cause {}",
    "rule_id": "rule {}",
    "channel": "channel {}",
}
Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def past(targets: Sequence[Target], *, as_of: datetime, presence: Presence | None = None) -> Past:
    """Landmark rows of every target that fell due by `as_of`; each case is a subject."""
    known = [target for target in targets if target.due_at <= as_of]
    rows = [(place, share) for place, target in enumerate(known) for share in LANDMARKS if _open_at(target, share)]
    at = np.array([_moment(known[place], share) for place, share in rows])
    due = np.array([_days(known[place].due_at) for place, _ in rows])
    late = np.array([known[place].is_late for place, _ in rows], dtype=bool)
    table = _table([known[place] for place, _ in rows], np.array([share for _, share in rows]), at, targets, presence)
    names = np.unique([target.case_id for target in known]) if known else np.zeros(0, str)
    subjects = np.searchsorted(names, [known[place].case_id for place, _ in rows]) if rows else np.zeros(0, np.int64)
    return Past(
        kind=KIND, table=table, outcome=late, at=at, known_at=due, subjects=np.asarray(subjects, np.int64),
        columns=(*NUMBERS, *CATEGORIES), vouched=NUMBERS,
        rising=("share_used", "team_open", "open_per_person", "team_late_30d", "owner_open"),
        event_at=np.where(late, due, np.nan),
    )  # fmt: skip


def now(
    targets: Sequence[Target], *, as_of: datetime, presence: Presence | None = None
) -> tuple[list[Target], pa.Table]:
    """The targets that run at `as_of` and are not missed yet, and their rows in the same order."""
    running = [target for target in targets if target.ended_at is None and not target.is_late]
    shares = np.array([min(target.share_used, 1.0) for target in running])
    return running, _table(running, shares, np.full(len(running), _days(as_of)), targets, presence)


def _open_at(target: Target, share: float) -> bool:
    return target.share_used > share


def _moment(target: Target, share: float) -> float:
    """Day (since 1970) at which a share of the target was used, time taken as passing evenly up to the due instant."""
    start = _days(target.started_at)
    return start + share * (_days(target.due_at) - start)


def _table(
    rows: Sequence[Target], share: Floats, at: Floats, targets: Sequence[Target], presence: Presence | None
) -> pa.Table:
    teams = [target.team for target in rows]
    open_now = _open_count(targets, [target.team for target in targets], teams, at, [t.started_at for t in targets])
    owned = [
        target.owner_id if target.assigned_at is not None and _days(target.assigned_at) <= moment else None
        for target, moment in zip(rows, at, strict=True)
    ]
    owners = [target.owner_id if target.assigned_at is not None else None for target in targets]
    taken = [target.assigned_at or target.started_at for target in targets]
    people = np.array([_people(presence, team, moment) for team, moment in zip(teams, at, strict=True)])
    numbers: dict[str, Floats] = {
        "share_used": share,
        "severity": np.array([target.severity for target in rows], dtype=float),
        "log_target_hours": np.log(np.maximum([target.target_hours for target in rows], 0.01)),
        "team_open": open_now,
        # Nobody present: as if a tenth of a person were, so that more cases still weigh more.
        "open_per_person": open_now / np.maximum(people, 0.1),
        "team_late_30d": _late_share(targets, teams, at),
        "owner_open": _open_count(targets, owners, owned, at, taken),
        "has_owner": np.array([owner is not None for owner in owned], dtype=float),
        "reopens": np.array([target.reopens for target in rows], dtype=float),
        "hour": np.floor((at % 1) * 24),
        "weekday": (np.floor(at) + 3) % 7,
    }
    columns: dict[str, pa.Array] = {
        name: pa.array(np.asarray(values, dtype=float).reshape(len(rows)), from_pandas=True)
        for name, values in numbers.items()
    }
    for name in CATEGORIES:
        columns[name] = pa.array([getattr(target, name) for target in rows], pa.string())
    return pa.table(columns)


def _open_count(
    targets: Sequence[Target],
    keys: Sequence[str | None],
    wanted: Sequence[str | None],
    at: Floats,
    begins: Sequence[datetime],
) -> Floats:
    """How many targets of the same key ran at each moment; 0 where the key is unknown."""
    spans: dict[str, tuple[list[float], list[float]]] = {}
    for target, key, begin in zip(targets, keys, begins, strict=True):
        if key is not None:
            starts, ends = spans.setdefault(key, ([], []))
            starts.append(_days(begin))
            ends.append(np.inf if target.ended_at is None else _days(target.ended_at))
    ordered = {key: (np.sort(starts), np.sort(ends)) for key, (starts, ends) in spans.items()}
    found = np.zeros(len(wanted))
    for place, (key, moment) in enumerate(zip(wanted, at, strict=True)):
        if key in ordered:
            begun, over = ordered[key]
            found[place] = np.searchsorted(begun, moment, "right") - np.searchsorted(over, moment, "right")
    return found


def _late_share(targets: Sequence[Target], teams: Sequence[str | None], at: Floats) -> Floats:
    """Share of the team's targets that fell due in the 30 days before and were missed; NaN where none did."""
    due: dict[str | None, list[tuple[float, bool]]] = {}
    for target in targets:
        due.setdefault(target.team, []).append((_days(target.due_at), target.is_late))
    ordered = {}
    for team, pairs in due.items():
        days, late = zip(*sorted(pairs), strict=True)
        ordered[team] = (np.array(days), np.concatenate([[0.0], np.cumsum(late)]))
    found = np.full(len(teams), np.nan)
    for place, (team, moment) in enumerate(zip(teams, at, strict=True)):
        if team in ordered:
            fell, missed = ordered[team]
            first, last = np.searchsorted(fell, [moment - 30, moment])
            if last > first:
                found[place] = (missed[last] - missed[first]) / (last - first)
    return found


def _people(presence: Presence | None, team: str | None, moment: float) -> float:
    if presence is None or team is None:
        return np.nan
    return float(presence.get(int(moment), {}).get(team, np.nan))


def _days(moment: datetime) -> float:
    """Days since 1970; a moment without a zone is UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) / timedelta(days=1)
