"""The whole loop in one process, for `amends run`: the same jobs and the same sensor the daemon drives.

Yields plain events; how they are shown is the caller's business. Belongs here: the order detect -> sensor -> track and
following a running job. Not here: anything an asset or the sensor already does.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache

import dagster as dg
from dagster._core.utils import make_new_run_id

from models.settings import load_settings
from orchestration import publishing_run, watermark
from orchestration.definitions import defs
from orchestration.defs.listen import detect_fingerprint
from orchestration.defs.resources import Stores

STAGE_OF_STEP = {
    "take_in": "listen",
    "check_the_door": "listen",
    "dbt_prepare": "listen",
    "classify_signals": "classify",
    "check_ml_outputs": "classify",
    "dbt_detect": "classify",
    "ml_detection__risk": "detect",
    "check_risks": "detect",
    "ml_detection__trigger": "detect",
    "ml_detection__lane_decision": "detect",
    "check_triggers": "detect",
    "check_lanes": "detect",
    "case_assignment": "respond",
    "case_clocks": "respond",
    "outbox_delivery": "respond",
    "case_reconciliation": "track",
    "export_ledger": "track",
    "raw_intake__delivery": "track",
    "dbt_track": "track",
    "prove_recovery": "track",
    "check_recovery": "track",
    "dbt_prove": "track",
    "ml_root_cause__driver": "report",
    "check_drivers": "report",
    "agg_latency_week_case_within_target": "report",
    "published_build": "report",
}


# dagster-dbt tells what it copies and calls; of use in the UI, not to somebody waiting.
DBT_STEPS = frozenset(step for step in STAGE_OF_STEP if step.startswith("dbt_"))


@dataclass(frozen=True, slots=True)
class LoopEvent:
    """One thing worth telling: a stage began or ended, or says how far it is."""

    stage: str
    status: str
    note: str = ""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, str | float]:
        """The event as JSON values."""
        return asdict(self)


class LoopFailed(Exception):
    """A job failed; the message names the step or check and where the details are."""


def run_loop(refit: bool = False) -> Iterator[LoopEvent]:
    """Run the loop once on what lies in the inbox.

    Raises:
        LoopFailed: when a job failed. Stores stay as the last finished stage left them; the next run goes on from there.
    """
    settings = load_settings()
    if not refit and _nothing_new():
        # A run of which every step is skipped still costs five CPU-seconds of planned events.
        yield from (LoopEvent(stage, "done", "nothing new") for stage in ("listen", "classify", "detect"))
        yield LoopEvent("route", "done", "0 opened: nothing new")
        yield LoopEvent("respond", "done", "nothing new")
        yield LoopEvent("track", "done", "nothing new")
        yield LoopEvent("report", "done", "nothing new; CURRENT stays")
        return
    with dg.DagsterInstance.get() as instance:
        config = {"ops": {"classify_signals": {"config": {"refit": True}}}} if refit else None
        if refit and _nothing_new():
            # Without anything new to take in, detection skips every step: fit first, and it finds new models.
            yield from _follow("retrain_root_cause", instance, None)
            config = None
        yield from _follow("detect_breakdowns", instance, config)
        yield from _open_cases(instance)
        yield from _follow("work_cases", instance, None)
        if watermark.read(settings, "track") == publishing_run.track_fingerprint(settings):
            yield LoopEvent("track", "done", "nothing new")
            yield LoopEvent("report", "done", "nothing new; CURRENT stays")
            return
        yield from _follow("track_and_publish", instance, None)


def _nothing_new() -> bool:
    """True when the inbox is empty and every stage finished on exactly what the stores hold now."""
    from intake.pending import pending_deliveries

    settings = load_settings()
    detection = watermark.read(settings, "detect")
    return (
        detection is not None
        and pending_deliveries(settings).files == 0
        and detection == detect_fingerprint(Stores())
        and watermark.read(settings, "route") == detection
        and watermark.read(settings, "track") == publishing_run.track_fingerprint(settings)
    )


@cache
def _definitions() -> dg.Definitions:
    """The code location, built once a process: it takes a second and a half."""
    return defs()


def _open_cases(instance: dg.DagsterInstance) -> Iterator[LoopEvent]:
    """Tick the sensor until it has nothing left, reporting its asset events as the daemon would."""
    yield LoopEvent("route", "running")
    settings, started = load_settings(), time.monotonic()
    detection = watermark.read(settings, "detect")
    if detection is not None and watermark.read(settings, "route") == detection:
        yield LoopEvent("route", "done", "0 opened: nothing was detected since the last time")
        return
    definitions = _definitions()
    sensor = definitions.resolve_sensor_def("open_cases")
    repository = definitions.get_repository_def()
    totals: dict[str, int] = {}
    cursor: str | None = None
    while True:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository, resources={"stores": Stores()}
        ) as context:
            tick = sensor.evaluate_tick(context)
        if tick.skip_message:
            break
        for event in tick.asset_events:
            instance.report_runless_asset_event(event)
            if isinstance(event, dg.AssetMaterialization):
                for name, value in event.metadata.items():
                    totals[name] = totals.get(name, 0) + int(str(value.value))
        cursor = tick.cursor
    if detection is not None:
        watermark.write(settings, "route", detection)
    note = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in totals.items())
    yield LoopEvent("route", "done", note or "no triggers", time.monotonic() - started)


def _follow(job_name: str, instance: dg.DagsterInstance, config: dict[str, object] | None) -> Iterator[LoopEvent]:
    """Run one job in a thread and tell its stages from the event log while it goes."""
    run_id, outcome = make_new_run_id(), queue.Queue[dg.ExecuteInProcessResult | BaseException]()
    job = _definitions().resolve_job_def(job_name)

    def execute() -> None:
        try:
            outcome.put(
                job.execute_in_process(run_config=config, instance=instance, run_id=run_id, raise_on_error=False)
            )
        except BaseException as error:
            outcome.put(error)
            raise

    worker = threading.Thread(target=execute, name=job_name)
    worker.start()
    teller = _Teller()
    while worker.is_alive():
        worker.join(timeout=0.5)
        yield from teller.tell(instance, run_id)
    yield from teller.tell(instance, run_id)
    result = outcome.get()
    if isinstance(result, BaseException):
        raise LoopFailed(f"{job_name} could not be run: {result}") from result
    yield from teller.close(failed=not result.success)
    if not result.success:
        raise LoopFailed(
            f"{job_name} failed: {'; '.join(teller.failures) or 'see the run in the Dagster UI'} (run {run_id})"
        )


class _Teller:
    """Turns the event log of one run into stage events."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._cursor: str | None = None
        self._stage: str | None = None
        self._since = time.monotonic()
        self._made = 0

    def tell(self, instance: dg.DagsterInstance, run_id: str) -> Iterator[LoopEvent]:
        """Read what the log gained and say what changed."""
        while True:
            page = instance.event_log_storage.get_records_for_run(run_id, self._cursor, limit=500)
            for record in page.records:
                yield from self._one(record.event_log_entry)
            self._cursor = page.cursor
            if not page.has_more:
                return

    def close(self, failed: bool) -> Iterator[LoopEvent]:
        """End the stage that is still open."""
        if self._stage is not None:
            yield LoopEvent(self._stage, "failed" if failed else "done", "", time.monotonic() - self._since)

    def _one(self, entry: dg.EventLogEntry) -> Iterator[LoopEvent]:
        stage = self._stage_of(entry)
        if stage != self._stage:
            yield from self.close(failed=bool(self.failures))
            self._stage, self._since, self._made = stage, time.monotonic(), 0
            yield LoopEvent(str(stage), "running")
        event = entry.dagster_event
        if stage is None:
            return
        if event is None:
            if entry.level == logging.INFO and entry.step_key not in DBT_STEPS:
                yield LoopEvent(stage, "running", entry.user_message.splitlines()[0][:160])
        elif event.is_step_failure:
            self.failures.append(f"step {entry.step_key}")
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._note_check(event.asset_check_evaluation_data)
        elif event.is_step_materialization:
            self._made += 1
            yield LoopEvent(stage, "running", f"{entry.step_key}: {self._made} tables")

    def _stage_of(self, entry: dg.EventLogEntry) -> str | None:
        """Stage of the step an entry belongs to; what is merely planned, or of no step, changes nothing."""
        event = entry.dagster_event
        if event is not None and not (event.is_step_event and event.event_type != dg.DagsterEventType.STEP_SKIPPED):
            return self._stage
        return STAGE_OF_STEP.get(entry.step_key or "", self._stage)

    def _note_check(self, found: dg.AssetCheckEvaluation) -> None:
        if not found.passed and found.severity == dg.AssetCheckSeverity.ERROR:
            self.failures.append(f"check {found.asset_key.to_user_string()}:{found.check_name}")
