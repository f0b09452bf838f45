"""One step of the lane: take what arrived, understand it, decide, open cases, write down what was decided.

Belongs here: the order of these, and what is loaded once. Not here: any of them. Every part may die at any point: taking is
registered by content, opening is idempotent in the ledger, and a step counts only when its record is written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from cases import conf, feed
from cases.crash import crashpoint
from casework import moment
from casework.engine import Engine
from casework.programme import Active, active_programme
from casework.rules import RulesInForce, rules_in_force
from fast_lane import deciding, delta, records
from fast_lane.compiled import statements
from fast_lane.deciding import Snapshot
from fast_lane.inbox import QUIET_SECONDS, Inbox
from fast_lane.models import WarmModels
from intake.registry import Delivery, is_held
from intake.service import take_inbox
from models.settings import Settings

# Rows of one step; a delivery with more is the batch lane's.
MOST_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did. `seconds` by part; `slowest_seconds` from the oldest row's arrival to its decision."""

    batches: tuple[int, ...]
    signals: int
    triggers: int
    opened: int
    attached: int
    already_known: int
    slowest_seconds: float
    seconds: dict[str, float]


@dataclass
class Lane:
    """The lane of one home; used by one thread. Call `step` again and again."""

    settings: Settings
    models: WarmModels = field(init=False)
    _inbox: Inbox = field(init=False)
    _rules: tuple[str, RulesInForce] | None = None
    _kept: dict[str, pa.Table] = field(default_factory=dict)
    _whole: pa.Table | None = None

    def __post_init__(self) -> None:
        conf.setup(self.settings)
        self.models, self._inbox = WarmModels(self.settings), Inbox(self.settings)

    def waits_for(self) -> str | None:
        """Why nothing can be decided yet, in words; None when the lane can work."""
        detection = feed.newest_detection(self.settings.ml_outputs)
        if detection is None or detection.last_batch is None:
            return "the first detection of the batch lane"
        if not (self.settings.handoff / "dim_customer.parquet").exists():
            return "customers handed over by the batch lane"
        return None

    def warm_up(self) -> None:
        """Compile the SQL and load models now rather than when the first row has arrived."""
        if self.waits_for() is None:
            statements()
            self.models.warm_up()

    def step(self) -> Step | None:
        """Do what there is to do, at most a step's worth; None when there is nothing (or nothing can be done yet)."""
        if self.waits_for() is not None:
            return None
        clock = _Clock()
        snapshot = self._snapshot()
        self._take(snapshot)
        clock.lap("take")
        deliveries = records.due(self.settings, snapshot.last_batch)
        part = self._part(deliveries)
        return self._decide(part, snapshot, clock) if part else None

    def step_or_wait(self, until: float) -> Step | None:
        """The next step; None when none came up to `until` (`time.monotonic`), but not before a file had time to be whole."""
        last = max(until, time.monotonic() + 2 * QUIET_SECONDS)
        while (step := self.step()) is None and time.monotonic() < last:
            time.sleep(QUIET_SECONDS / 5)
        return step

    def due(self) -> int:
        """Deliveries taken in and not decided yet."""
        return len(records.due(self.settings, self._snapshot().last_batch))

    def _take(self, snapshot: Snapshot) -> None:
        arrivals = self._inbox.arrivals(time.time())
        if not arrivals or is_held(self.settings.intake_db):
            return
        programme = self._active(snapshot.as_of).programme
        take_inbox(self.settings, timezone=programme.company.timezone, only=[arrival.path for arrival in arrivals])
        crashpoint("fast_lane.after_taking")
        self._inbox.done(arrivals)

    def _part(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """The oldest deliveries that fit into one step; one that never would is passed by."""
        part: list[Delivery] = []
        rows = 0
        for delivery in deliveries:
            if delivery.loaded > MOST_ROWS and not part:
                records.pass_by(self.settings, delivery.batch_id)
                continue
            rows += delivery.loaded
            if rows > MOST_ROWS:
                break
            part.append(delivery)
        return part

    def _decide(self, deliveries: Sequence[Delivery], snapshot: Snapshot, clock: _Clock) -> Step:
        with delta.opened(self.settings, statements(), deliveries) as found:
            clock.lap("delta")
            active = self._active(snapshot.as_of)
            judged = found.judged(self.models.predict(found.signals, active.programme))
            clock.lap("classify")
            as_of = deciding.reporting_instant(self.settings, judged, snapshot)
            triggers = deciding.triggers_of(
                judged, self._in_force(active, as_of), snapshot, as_of=as_of,
                historic_after_days=active.programme.company.historic_after_days, encode=self.models.encode,
            )  # fmt: skip
            clock.lap("rules")
            crashpoint("fast_lane.before_opening")
            result = deciding.open_cases(self._engine(active, as_of), found, triggers, as_of)
            crashpoint("fast_lane.after_opening")
            clock.lap("open")
            decided_at = datetime.now(UTC)
            arrived = [(delivery.batch_id, _arrival(delivery)) for delivery in deliveries]
            decisions = records.decisions_of(judged, triggers, arrived, decided_at)
        records.write(self.settings, deliveries[-1].batch_id, judged, decisions)
        crashpoint("fast_lane.after_record")
        clock.lap("record")
        return Step(
            batches=tuple(d.batch_id for d in deliveries),
            signals=judged.num_rows, triggers=triggers.num_rows, opened=result.opened, attached=result.attached,
            already_known=result.already_known,
            slowest_seconds=(decided_at - min(at for _, at in arrived)).total_seconds(), seconds=clock.laps,
        )  # fmt: skip

    def _snapshot(self) -> Snapshot:
        detection = feed.newest_detection(self.settings.ml_outputs)
        assert detection is not None and detection.last_batch is not None, "waits_for said so"
        return Snapshot(
            detection.as_of or datetime.now(UTC), detection.last_batch, self.settings.handoff / "fct_signal.parquet",
            self._lately(),
        )  # fmt: skip

    def _lately(self) -> pa.Table | None:
        """Signals the lane has decided on since: each file is read once, and dropped when the batch lane has caught up."""
        files = {path.stem: path for path in records.signals_since(self.settings)}
        if files.keys() != self._kept.keys():
            self._kept = {stem: self._kept.get(stem) or pq.read_table(path) for stem, path in files.items()}
            self._whole = pa.concat_tables(self._kept.values(), promote_options="permissive") if self._kept else None
        return self._whole

    def _now(self, data_stands_at: datetime) -> datetime:
        """As `casework.moment.now`, without looking through all that landed where the clock of a home follows its data."""
        if self.settings.as_of is None and moment.follows_data(self.settings):
            return data_stands_at
        return moment.now(self.settings)

    def _active(self, data_stands_at: datetime) -> Active:
        return active_programme(self.settings, self._now(data_stands_at))

    def _in_force(self, active: Active, at: datetime) -> RulesInForce:
        """The dated rules of this version; reading them from the ledger takes longer than applying them."""
        if self._rules is None or self._rules[0] != active.version:
            self._rules = active.version, rules_in_force(self.settings, self._now(at))
        return self._rules[1]

    def _engine(self, active: Active, as_of: datetime) -> Engine:
        at = self._now(as_of)
        return Engine(self.settings, active.programme, active.version, at, max(datetime.now(UTC), at))


def _arrival(delivery: Delivery) -> datetime:
    """When the delivery lay ready in the inbox; where that is unknown, when it was taken."""
    return datetime.fromisoformat(delivery.arrived_at or delivery.received_at).astimezone(UTC)


class _Clock:
    """Seconds by part of a step."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End the part that began with the one before."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 4)
        self._last = now
