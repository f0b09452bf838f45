"""The stock way of opening a case for a row that arrives: a sensor at its default interval, one run, a process per step.

The arm `benchmarks/latency.py` compares with. The steps call what the fast lane calls; only when and where differ.
"""

import dagster as dg

from models.settings import load_settings


@dg.op
def take(context: dg.OpExecutionContext) -> int:
    """Take in what lies in the inbox; returns the number of files."""
    from casework.moment import now
    from casework.programme import active_programme
    from intake.service import take_inbox

    settings = load_settings()
    return len(take_inbox(settings, timezone=active_programme(settings, now(settings)).programme.company.timezone))


@dg.op
def decide(context: dg.OpExecutionContext, files: int) -> int:
    """Classify what was taken, hold the rules against it, open the cases; returns how many rows there were."""
    from fast_lane.lane import Lane

    lane, rows = Lane(load_settings()), 0
    while (step := lane.step()) is not None:
        rows += step.signals
    return rows


@dg.job
def open_cases_of_arrivals() -> None:
    """Both steps, each in a process of its own, as the default executor runs them."""
    decide(take())


@dg.sensor(job=open_cases_of_arrivals, default_status=dg.DefaultSensorStatus.RUNNING)
def arrivals(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run for everything that waits."""
    from intake.pending import pending_deliveries

    waiting = pending_deliveries(load_settings())
    if not waiting.files:
        return dg.SkipReason("nothing has arrived")
    return dg.RunRequest(run_key=waiting.token)


defs = dg.Definitions(jobs=[open_cases_of_arrivals], sensors=[arrivals])
