"""Opening cases on a throw-away ledger, in a process of its own, by the very code that opens the real ones.

Belongs here: laying out the folder the child process works in, starting it, reading what it opened. Not here: the child's
work (`child.py`). A process of its own, because Django knows one ledger per process: pointed elsewhere for a minute, it
would let another thread open a real case in the throw-away one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cases import feed
from models.settings import ROOT, Settings

REQUEST, ACTS = "request.json", "acts.json"
_LAST_WORDS = 5


class ReplayFailed(RuntimeError):
    """The child process that opens the would-be cases ended with a fault; the message has its last lines."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is replayed: cases open from `since` on, and count from `begin` up to `end` (UTC midnights)."""

    since: datetime
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One trigger inside a would-be case."""

    trigger_id: str
    rule_id: str
    signal_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class WouldBe:
    """A case as the replay opened it. `owners` are people a source names as having worked it; `outcome` is what a
    resolution on record says, `ended_at` when it ended; unknown stays None."""

    case_id: str
    rule_id: str
    kind: str
    subject_type: str
    subject_id: str
    customer_id: str | None
    cause_id: str | None
    journey: str | None
    theme_id: str | None
    opened_at: datetime
    severity: int
    value_usd: float | None
    team: str
    owner_role: str
    owners: tuple[str, ...]
    ended_at: datetime | None
    outcome: str | None
    hits: tuple[Hit, ...]

    @property
    def rules(self) -> frozenset[str]:
        """Every rule with a trigger in the case."""
        return frozenset(hit.rule_id for hit in self.hits)

    @property
    def signals(self) -> frozenset[str]:
        """Every signal in the case."""
        return frozenset(hit.signal_id for hit in self.hits if hit.signal_id is not None)


@dataclass(frozen=True, slots=True)
class Opened:
    """What one set of rules opened, from `Span.since` on, and how many people each team had at the end."""

    cases: tuple[WouldBe, ...]
    members: Mapping[str, int]


def open_apart(
    settings: Settings, files: Mapping[str, str], found: Mapping[str, pa.Table], span: Span, folder: Path
) -> dict[str, Opened]:
    """Open the triggers of each set (name -> rows of the trigger table) on a ledger of its own below `folder`.

    `files` is the programme all sets are routed by. The real ledger is never opened, whatever the environment says.
    Raises `ReplayFailed`.
    """
    _lay_out(settings, files, found, span, folder)
    _run(folder)
    return {name: _read(folder / name, span) for name in found}


def _lay_out(
    settings: Settings, files: Mapping[str, str], found: Mapping[str, pa.Table], span: Span, folder: Path
) -> None:
    """One home per set: its triggers, and links to everything else that opening looks at."""
    for name, text in files.items():
        path = folder / "programme" / settings.programme_dir.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, triggers in found.items():
        outputs = folder / name / "ml_outputs"
        _link(settings.ml_outputs, outputs, leave_out=feed.TRIGGERS)
        _link(settings.handoff, folder / name / "handoff")
        pq.write_table(triggers, outputs / feed.TRIGGERS)
        feed.write_detection(outputs, token="backtest", triggers=triggers.num_rows, as_of=span.end)
    (folder / ACTS).write_text(json.dumps(_acts(settings.ledger_export, span)), encoding="utf-8")
    request = {
        "sets": list(found), "programme": str(folder / "programme" / settings.programme_dir.name),
        "since": span.since.isoformat(), "end": span.end.isoformat(),
    }  # fmt: skip
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")


def _link(source: Path, target: Path, leave_out: str = "") -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.parquet"):
        if path.name != leave_out:
            (target / path.name).symlink_to(path.resolve())


# What people did at the desk that ends a case or opens it again, with the triggers the case held then.
_ACTS = """
    select
        strftime(acts.occurred_at, '%Y-%m-%dT%H:%M:%S.%f+00:00') as at,
        acts.kind,
        list(triggers.trigger_id order by triggers.id) as triggers
    from read_parquet($events) as acts
    inner join read_parquet($triggers) as triggers
        on acts.case_id = triggers.case_id and triggers.occurred_at <= acts.occurred_at
    where
        acts.actor_type = 'person' and acts.kind in ('resolved', 'invalidated', 'reopened')
        and acts.occurred_at >= $since and acts.occurred_at < $end
    group by acts.event_id, acts.occurred_at, acts.kind
    order by acts.occurred_at, acts.event_id
"""


def _acts(export: Path, span: Span) -> list[dict[str, Any]]:
    """Acts as JSON, in order of time; none before the first copy of the ledger."""
    import duckdb

    if not all(any((export / name).glob("*.parquet")) for name in ("case_trigger", "case_event")):
        return []
    parameters = {
        "events": f"{export}/case_event/*.parquet", "triggers": f"{export}/case_trigger/*.parquet",
        "since": span.since, "end": span.end,
    }  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found: list[dict[str, Any]] = connection.execute(_ACTS, parameters).to_arrow_table().to_pylist()
        return found


def _run(folder: Path) -> None:
    """Nothing of this installation reaches the child by its environment: not the home, not the ledger's address."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AMENDS_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "casework.backtest.child", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " / ".join(done.stderr.strip().splitlines()[-_LAST_WORDS:])
        raise ReplayFailed(f"the would-be cases could not be opened: {said}")


_CASES = """
    with hits as (
        select
            case_id,
            list({'trigger_id': trigger_id, 'rule_id': rule_id, 'signal_id': signal_id, 'at': occurred_at}
                order by occurred_at, trigger_id) as hits
        from read_parquet($triggers)
        group by case_id
    ),

    told as (
        select
            case_id,
            arg_min(team, seq) filter (where kind = 'routed') as team,
            arg_min(json_extract_string(payload, '$.owner_role'), seq) filter (where kind = 'routed') as owner_role,
            arg_min(severity, seq) filter (where kind = 'opened') as severity,
            list(distinct owner_id order by owner_id) filter (where kind = 'assigned' and actor_type = 'source') as owners,
            arg_max(occurred_at, seq) filter (where kind in ('resolved', 'expired')) as ended_at,
            arg_max(json_extract_string(payload, '$.outcome'), seq) filter (where kind = 'resolved') as outcome
        from read_parquet($events)
        group by case_id
    )

    select cases.*, hits.hits, told.* exclude (case_id)
    from read_parquet($cases) as cases
    inner join hits using (case_id)
    inner join told using (case_id)
    order by cases.episode_started_at, cases.case_id
"""


def _read(home: Path, span: Span) -> Opened:
    import duckdb

    export = home / "ledger_export"
    parameters = {
        "cases": f"{export}/case/*.parquet", "triggers": f"{export}/case_trigger/*.parquet",
        "events": f"{export}/case_event/*.parquet",
    }  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.execute(_CASES, parameters).to_arrow_table().to_pylist()
    members = json.loads((home / "members.json").read_text(encoding="utf-8"))
    return Opened(tuple(map(_case, rows)), members)


_SAME = (
    "case_id", "rule_id", "subject_type", "subject_id", "customer_id", "cause_id", "journey", "theme_id", "severity",
    "team", "owner_role", "ended_at", "outcome",
)  # fmt: skip


def _case(row: dict[str, Any]) -> WouldBe:
    value = row["value_usd"]
    return WouldBe(
        kind=row["case_kind"], opened_at=row["episode_started_at"], value_usd=None if value is None else float(value),
        owners=tuple(row["owners"] or ()), hits=_hits(row["hits"]), **{name: row[name] for name in _SAME},
    )  # fmt: skip


def _hits(found: Sequence[Mapping[str, Any]]) -> tuple[Hit, ...]:
    return tuple(Hit(hit["trigger_id"], hit["rule_id"], hit["signal_id"], hit["at"]) for hit in found)
