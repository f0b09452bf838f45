"""Which cases the new signals open: the rules in force, over the new signals and the history those rules look back on.

Belongs here: fetching that history and handing triggers to the ledger by the same door as the batch lane (`cases/feed.py`,
`casework/opening.py`). Not here: rules, or what a case takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cases import feed
from casework.opening import open_with
from fast_lane.delta import Delta
from ml.detection.evidence import Encode, Evidence
from ml.detection.triggers import Window, detect_in_force
from ml.outputs import write_output
from models.settings import Settings
from models.trigger import lookback

if TYPE_CHECKING:
    from cases.opening import OpenResult
    from casework.engine import Engine
    from casework.rules import RulesInForce

LANE = "fast"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known before this step: the reporting instant of the batch lane's last detection, the newest delivery in it,
    its file of classified signals, and those the fast lane has added since (None: none)."""

    as_of: datetime
    last_batch: int
    file: Path
    since: pa.Table | None


def triggers_of(
    judged: pa.Table, rules: RulesInForce, snapshot: Snapshot, *, as_of: datetime, historic_after_days: int,
    encode: Encode | None,
) -> pa.Table:  # fmt: skip
    """Triggers that signals of `judged` (fct_signal) set off; history counts for them and sets off nothing itself."""
    fresh = set(judged.column("signal_id").to_pylist())
    known = pa.concat_tables([judged, *_history(judged, rules, snapshot)], promote_options="permissive")
    window = Window(as_of=as_of, historic_after_days=historic_after_days)
    own = [rule for rule in rules.live if rule.is_about_signals]
    former = [item for item in rules.former if item.rule.is_about_signals]
    found = detect_in_force(Evidence(fct_signal=known, encode=encode), own, former, window).triggers
    return found.filter(pc.is_in(found.column("signal_id"), value_set=pa.array(sorted(fresh), pa.string())))


def open_cases(engine: Engine, delta: Delta, triggers: pa.Table, as_of: datetime) -> OpenResult:
    """Hand the triggers to the ledger, each with its lineage, as the batch lane would."""
    outputs, handoff = delta.folder / "ml_outputs", delta.folder / "handoff"
    write_output(outputs, "ml_detection__trigger", triggers)
    pq.write_table(delta.signals, handoff / "int_signal.parquet")
    feed.write_detection(outputs, token=f"{LANE}-{delta.folder.name}", triggers=triggers.num_rows, as_of=as_of)
    return open_with(engine, feed.iter_triggers(outputs, handoff, lane=LANE), ())


def _history(judged: pa.Table, rules: RulesInForce, snapshot: Snapshot) -> list[pa.Table]:
    """Earlier signals that share what the rules group by with a new one, as far back as they look; newest version once."""
    asked = lookback([*rules.live, *(former.rule for former in rules.former)])
    if asked is None or judged.num_rows == 0:
        return []
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("judged", judged)
        earliest = connection.execute("select min(occurred_at) from judged").fetchone()
        if earliest is None or earliest[0] is None:
            return []
        since = {"since": earliest[0] - asked.span}
        parts = []
        if snapshot.file.exists():
            question = _question(judged, asked.keys, "read_parquet($file)")
            parts.append(connection.execute(question, {"file": str(snapshot.file), **since}).to_arrow_table())
        if snapshot.since is not None:
            connection.register("lately", snapshot.since)
            parts.append(connection.execute(_question(judged, asked.keys, "lately"), since).to_arrow_table())
    return _newest_once(parts, judged.column("signal_id").to_pylist())


def _question(judged: pa.Table, keys: Sequence[tuple[str, ...]], relation: str) -> str:
    """Signals that agree with a new one in any of the groupings, the newest version of each first."""
    names = ", ".join(f'"{name}"' for name in judged.column_names)
    alike = " or ".join(
        f"({', '.join(key)}) in (select {', '.join(key)} from judged)" if len(key) > 1
        else f"{key[0]} in (select {key[0]} from judged where {key[0]} is not null)"
        for key in keys
    )  # fmt: skip
    return f"select {names} from {relation} where occurred_at >= $since and ({alike}) order by _batch_id desc"


def _newest_once(parts: Sequence[pa.Table], fresh: Sequence[str]) -> list[pa.Table]:
    """A signal may be in the snapshot, among the later ones (several times) and among the fresh ones: the latest counts."""
    seen = set(fresh)
    kept = []
    for part in reversed(parts):
        wanted = []
        for key in part.column("signal_id").to_pylist():
            wanted.append(key not in seen)
            seen.add(key)
        kept.append(part.filter(pa.array(wanted, pa.bool_())))
    return kept


def reporting_instant(settings: Settings, judged: pa.Table, snapshot: Snapshot) -> datetime:
    """As of when the rules are held against the signals: as the batch lane will, which reports as of the newest event."""
    if settings.as_of is not None:
        return settings.as_of.astimezone(UTC)
    newest: datetime | None = pc.max(judged.column("occurred_at")).as_py()
    if newest is None:
        return snapshot.as_of
    return max(snapshot.as_of, newest if newest.tzinfo else newest.replace(tzinfo=UTC))
