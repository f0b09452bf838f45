"""Sensors: a pure decision each, in a thin shell.

Idempotence lives in the ledger (`UNIQUE(dedup_key)`, one row per trigger id): a tick that dies half-way, runs twice or
times out while its body goes on changes nothing. Cursors and run keys only save work.
"""

import dagster as dg

from orchestration import case_opening
from orchestration.defs.jobs import detect_breakdowns, track_and_publish
from orchestration.defs.resources import Stores


@dg.sensor(
    name="inbox_arrivals",
    job=detect_breakdowns,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts detection when files lie in the inbox that nobody has taken in yet, and, now and then, for what "
    "the fast lane has taken in.",
)
def inbox_arrivals(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult | dg.SkipReason:
    """One run for everything that waits; the run key names the newest state of the inbox and of the deliveries."""
    from orchestration.arrivals import next_run

    asked = next_run(stores.settings(), context.cursor)
    if asked.run_key is None:
        return dg.SkipReason(asked.why)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=asked.run_key)], cursor=asked.cursor)


@dg.sensor(
    name="open_cases",
    job=track_and_publish,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Opens a case for every trigger that has none, a slice of triggers per tick, then asks for tracking.",
)
def open_cases(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult | dg.SkipReason:
    """Reads the newest triggers from their Parquet hand-over, never the warehouse file."""
    step = case_opening.open_next_slice(stores.settings(), context.cursor)
    if step is None:
        return dg.SkipReason("Every trigger of the newest detection has been handed to the ledger.")
    event = dg.AssetMaterialization(
        asset_key=dg.AssetKey(["case_ledger"]),
        description="Cases opened or added to by the sensor",
        metadata=step.metadata,
    )
    requests = [dg.RunRequest(run_key=f"track-{step.token}")] if step.is_last else []
    return dg.SensorResult(run_requests=requests, cursor=step.cursor, asset_events=[event])


@dg.sensor(
    name="ledger_changed",
    job=track_and_publish,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for tracking when somebody has worked a case since the last copy of the ledger.",
)
def ledger_changed(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult | dg.SkipReason:
    """Compares the ledger's newest event with the cursor."""
    newest = case_opening.newest_event(stores.settings())
    if newest == 0 or str(newest) == context.cursor:
        return dg.SkipReason("No case has changed.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"ledger-{newest}")], cursor=str(newest))
