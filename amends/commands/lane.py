"""`amends lane`: the fast lane in the foreground, and how it stands.

The Dagster sensor `fast_lane` runs the same lane beside the daemon; two lanes of one home take turns by a lock.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amends.console import answer, console
from models.settings import Settings, load_settings

if TYPE_CHECKING:
    from fast_lane.lane import Step

app = typer.Typer(no_args_is_help=True, help="The fast lane: from a row that arrives to its case within seconds.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@app.command()
def run(
    seconds: Annotated[float, typer.Option(help="How long to keep going; 0: until what has arrived is decided.")] = 0.0,
    json_: Json = False,
) -> None:
    """Decide what has arrived, and go on for as long as asked."""
    from amends.home import apply_environment
    from fast_lane.lane import Lane

    settings = load_settings()
    apply_environment(settings)
    lane = Lane(settings)
    steps: list[Step] = []
    until = time.monotonic() + seconds
    # A file counts as whole only when it has been quiet for a moment: the first look may find nothing yet.
    while (step := lane.step_or_wait(until)) is not None:
        steps.append(step)
        if not json_:
            console.print(_told(step), soft_wrap=True)
    waits = lane.waits_for()
    document = {"ok": waits is None, "waits_for": waits, "steps": [asdict(step) for step in steps]}
    answer(
        document, json_, show=lambda _: console.print(f"Waits for {waits}." if waits else "Nothing more has arrived.")
    )


@app.command()
def status(json_: Json = False) -> None:
    """What waits, what was decided and not judged yet, and how far the batch lane agreed."""
    document = _status(load_settings())

    def show(found: dict[str, Any]) -> None:
        console.print(f"waits for      {found['waits_for'] or 'nothing: rows that arrive are decided'}")
        console.print(f"deliveries     {found['deliveries_due']} taken in and not decided yet")
        console.print(f"decisions      {found['not_judged']} the batch lane has not looked at yet")
        judged = ", ".join(f"{count} {verdict}" for verdict, count in found["judged"].items()) or "none yet"
        console.print(f"judged         {judged}")
        if found["p50_seconds"] is not None:
            figures = f"p50 {found['p50_seconds']:.2f} s, p95 {found['p95_seconds']:.2f} s"
            console.print(f"arrival->case  {figures} of {found['cases']} decisions")

    answer(document, json_, show=show)


def _status(settings: Settings) -> dict[str, Any]:
    from collections import Counter

    import pyarrow as pa

    from fast_lane import agreement, records
    from fast_lane.lane import Lane
    from ml.outputs import read_output

    lane = Lane(settings)
    waits = lane.waits_for()
    judged, made = read_output(settings.ml_outputs, agreement.OUTPUT), records.decisions(settings)
    both = pa.concat_tables([made.select(list(_TIMED)), judged.select(list(_TIMED))]).to_pylist()
    timed = [row for row in both if row["trigger_id"] and row["arrived_at"]]
    delays = sorted((row["decided_at"] - row["arrived_at"]).total_seconds() for row in timed)
    return {
        "ok": True,
        "waits_for": waits,
        "deliveries_due": 0 if waits else lane.due(),
        "not_judged": made.num_rows,
        "judged": dict(Counter(judged.column("verdict").to_pylist())),
        "cases": len(delays),
        "p50_seconds": _share(delays, 0.50),
        "p95_seconds": _share(delays, 0.95),
    }


_TIMED = ("trigger_id", "arrived_at", "decided_at")


def _share(ordered: list[float], share: float) -> float | None:
    """The smallest value that at least this share of all do not exceed."""
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] if ordered else None


def _told(step: Step) -> str:
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in step.seconds.items())
    return (
        f"{step.signals} signals, {step.triggers} triggers: {step.opened} cases opened, {step.attached} joined, "
        f"{step.slowest_seconds:.1f} s after the oldest arrived ({parts})"
    )
