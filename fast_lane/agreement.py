"""Whether the batch lane, looking at the same rows later, decides as the fast lane did; every difference with its reason.

Belongs here: comparing and keeping the result. Not here: either decision. Later evidence is a good reason to differ (a note
came, a text was corrected, a model was refitted): it is told, not hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cases import feed
from fast_lane import records
from ml.outputs import LANE_DECISION, read_output, write_output
from models.settings import Settings

OUTPUT = "ml_detection__lane_decision"
_COMPARED = ("trigger_id", "rule_id", "rule_hash", "severity", "cause_id", "signal_id", "occurred_at")
Row = Mapping[str, Any]


def settle(settings: Settings, not_asked: Collection[str] = ()) -> pa.Table:
    """Compare what the newest detection has surely seen, keep the verdicts, drop the records; returns the new verdicts.

    `not_asked` are rules that only the batch lane evaluates (of time that passes, of series).
    """
    detection = feed.newest_detection(settings.ml_outputs)
    if detection is None or detection.last_batch is None:
        return LANE_DECISION.empty_table()
    made = records.decisions(settings)
    made = made.filter(pc.less_equal(made.column("batch_id"), detection.last_batch))
    verdicts = compare(
        made,
        read_output(settings.ml_outputs, "ml_detection__trigger"),
        pq.read_table(settings.handoff / "fct_signal.parquet", columns=["signal_id", "_batch_id"]),
        not_asked=not_asked,
    )
    if verdicts.num_rows:
        _keep(settings, verdicts)
    records.forget(settings, detection.last_batch)
    return verdicts


def compare(made: pa.Table, triggers: pa.Table, seen: pa.Table, *, not_asked: Collection[str] = ()) -> pa.Table:
    """One verdict per decision of the fast lane (rows of `records.DECISION`) and per trigger only the batch lane found.

    `triggers` are all of the batch lane, `seen` its signals with the delivery each came by. A decision on a signal that a
    later delivery replaced is judged as well, with that as its reason.
    """
    newest = _newest(made)
    batches = dict(zip(seen.column("signal_id").to_pylist(), seen.column("_batch_id").to_pylist(), strict=True))
    of_ours = pc.is_in(
        triggers.column("signal_id"), value_set=pa.array(sorted({r["signal_id"] for r in newest}), pa.string())
    )
    found = {
        row["trigger_id"]: row
        for row in triggers.filter(of_ours).select(list(_COMPARED)).to_pylist()
        if row["rule_id"] not in not_asked
    }
    rows = [_verdict(row, found.pop(row["trigger_id"], None), batches.get(row["signal_id"])) for row in newest]
    came = {row["signal_id"]: row for row in newest}
    rows += [_only_batch(row, came[row["signal_id"]], batches.get(row["signal_id"])) for row in found.values()]
    return pa.Table.from_pylist(rows, schema=LANE_DECISION)


def _newest(made: pa.Table) -> list[Row]:
    """Each decision once: a signal delivered again was decided again."""
    latest: dict[str, int] = {}
    rows = sorted(made.to_pylist(), key=lambda row: (row["batch_id"], row["decision_id"]))
    for row in rows:
        latest[row["signal_id"]] = row["batch_id"]
    return [row for row in rows if latest[row["signal_id"]] == row["batch_id"]]


def _verdict(ours: Row, theirs: Row | None, batch: int | None) -> dict[str, Any]:
    if ours["trigger_id"] is None:
        # That the batch lane found something is told by a row of its own.
        return _row(ours, "agreed", None)
    if theirs is None:
        return _row(ours, "only_fast", _why(ours, batch) or "later evidence: the rule no longer holds")
    changed = [name for name in ("severity", "cause_id") if ours[name] != theirs[name]]
    if not changed:
        return _row(ours, "agreed", None)
    return _row(ours, "changed", _why(ours, batch) or f"later evidence: another {' and '.join(changed)}")


def _only_batch(theirs: Row, ours: Row, batch: int | None) -> dict[str, Any]:
    merged = {**ours, **theirs, "decision_id": theirs["trigger_id"]}
    return _row(merged, "only_batch", _why(ours, batch) or "later evidence: the rule holds now")


def _why(ours: Row, batch: int | None) -> str | None:
    if batch is None:
        return "the signal was withdrawn"
    return "a later delivery replaced the signal" if batch > ours["batch_id"] else None


def _row(source: Row, verdict: str, reason: str | None) -> dict[str, Any]:
    names = [name for name in LANE_DECISION.names if name in source]
    return {**{name: source[name] for name in names}, "verdict": verdict, "reason": reason}


def _keep(settings: Settings, verdicts: pa.Table) -> None:
    """Add to what is known; a decision judged again counts as it was judged last."""
    before = read_output(settings.ml_outputs, OUTPUT)
    again = pc.is_in(before.column("decision_id"), value_set=verdicts.column("decision_id").combine_chunks())
    write_output(settings.ml_outputs, OUTPUT, pa.concat_tables([before.filter(pc.invert(again)), verdicts]))
