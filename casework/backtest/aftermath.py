"""What happened after a would-be case: what people said of it, and what the customer did within thirty days.

Belongs here: the verdict on a case and its sources. Not here: shares and intervals (`measures.py`). The verdict, in this
order: a person marked it invalid: wrong. A person solved the case that really held the trigger, or a reviewer held the
signal for real: right. A source says it was put right, wholly or in part: right. The customer escalated, complained,
gave a detractor's score or left within `FOLLOW_DAYS` after it opened: right. A source says that it was rejected, and
nothing followed in that time: wrong. Whatever is left is unknown, and counted as unknown. Praise is judged by people
only: what goes wrong later says nothing about it.

What followed did so in a world where cases were worked: recovery that succeeds makes a rule look less needed. That holds
for every rule alike, and is why two rules are compared rather than one believed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from casework.backtest.apart import WouldBe
from casework.skills import WELL
from models.case import CaseKind
from models.settings import Settings

FOLLOW_DAYS = 30
FOLLOW = timedelta(days=FOLLOW_DAYS)
DETRACTOR = 6
REJECTED = "rejected"
Verdict = Literal["right", "wrong", "unknown"]

# Bad things by customer; several at one instant count once, under the first name.
_MOMENTS = """
    with bad as (
        select customer_id, occurred_at as since, signal_kind as what
        from signals
        where signal_kind in ('escalation', 'complaint')
        union all
        select customer_id, occurred_at as since, 'detractor' as what
        from signals
        where score_metric = 'nps' and score_value <= $detractor
        union all
        select customer_id, left_at as since, 'left' as what from leaving
    )

    select customer_id, since, min(what) as what
    from bad
    where customer_id is not null
    group by customer_id, since
    order by customer_id, since
"""

_NEXT = """
    select signals.signal_id, signals.signal_kind, signals.customer_id, signals.occurred_at, moments.what, moments.since
    from signals
    asof left join moments on signals.customer_id = moments.customer_id and signals.occurred_at < moments.since
    where signals.occurred_at >= $begin and signals.occurred_at < $end
"""

_SIGNALS = """
    select
        signal_id, signal_kind, customer_id, timezone('UTC', occurred_at) as occurred_at, score_metric, score_value,
        is_valid
    from read_parquet($signals)
    where source != 'desk' or source is null
"""

# A day without an hour: known by the end of it.
_LEAVING = """
    select customer_id, timezone('UTC', cast(min(churned_on) as timestamp)) + interval 1 day as left_at
    from read_parquet($customers)
    where is_current and churned_on is not null
    group by customer_id
"""
_NOBODY = "select null::varchar as customer_id, null::timestamptz as left_at limit 0"

_SAID = """
    select
        triggers.trigger_id,
        bool_or(events.kind = 'invalidated') as is_invalid,
        bool_or(events.kind in ('resolved', 'closed') and events.actor_type = 'person') as is_worked
    from read_parquet($triggers) as triggers
    inner join read_parquet($events) as events using (case_id)
    where events.kind in ('invalidated', 'resolved', 'closed')
    group by triggers.trigger_id
"""


@dataclass(frozen=True, slots=True)
class After:
    """What followed an instant for a customer. `what` and `at` name the first bad event later on, however late; None when
    there was none. `is_ripe` says whether the follow-up time had passed when the evidence ended."""

    has_customer: bool
    what: str | None
    at: datetime | None
    occurred_at: datetime
    is_ripe: bool

    @property
    def followed(self) -> bool:
        """Whether something bad followed in time."""
        return self.at is not None and self.at - self.occurred_at <= FOLLOW

    @property
    def is_judged(self) -> bool:
        """Whether it can be said that something followed or did not."""
        return self.has_customer and (self.followed or self.is_ripe)


@dataclass(frozen=True, slots=True)
class Judged:
    """A would-be case with its verdict and the reason in a word; `lead_days` until what followed, None when nothing did."""

    case: WouldBe
    verdict: Verdict
    reason: str
    lead_days: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is known afterwards, up to `known` (UTC).

    By signal its kind and what followed it, and whether it was held for real; by customer the bad events in order of time;
    by trigger what people did with its real case (invalid, worked). `knows_leaving` is False where no table says who left.
    """

    known: datetime
    after: Mapping[str, tuple[str, After]] = field(default_factory=dict)
    bad: Mapping[str, Sequence[tuple[datetime, str]]] = field(default_factory=dict)
    valid: Mapping[str, bool] = field(default_factory=dict)
    said: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    knows_leaving: bool = True

    def follows(self, customer_id: str | None, at: datetime) -> After:
        """What followed an instant for a customer, who may be unknown."""
        events = self.bad.get(customer_id, ()) if customer_id is not None else ()
        place = bisect_right(events, at, key=itemgetter(0))
        found, what = events[place] if place < len(events) else (None, None)
        return After(customer_id is not None, what, found, at, at + FOLLOW <= self.known)


def read_record(settings: Settings, customers: Path | None, begin: datetime, end: datetime, known: datetime) -> Record:
    """What followed the signals of [begin, end), as far as the evidence goes (until `known`).

    `customers` is a Parquet file of `dim_customer`, which says who left; None when there is none yet.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        if customers is None:
            connection.execute(f"create temp table leaving as {_NOBODY}")
        else:
            connection.execute(f"create temp table leaving as {_LEAVING}", {"customers": str(customers)})
        source = str(settings.handoff / "int_signal.parquet")
        connection.execute(f"create temp table signals as {_SIGNALS}", {"signals": source})
        connection.execute(f"create temp table moments as {_MOMENTS}", {"detractor": DETRACTOR})
        rows = connection.execute(_NEXT, {"begin": begin, "end": end}).fetchall()
        moments = connection.execute("select customer_id, since, what from moments").fetchall()
        valid = connection.execute("select signal_id, is_valid from signals where is_valid is not null").fetchall()
        said = _said(connection, settings.ledger_export)
    after = {
        signal: (kind, After(customer is not None, what, at, occurred_at, occurred_at + FOLLOW <= known))
        for signal, kind, customer, occurred_at, what, at in rows
    }
    bad: dict[str, list[tuple[datetime, str]]] = {}
    for customer, at, what in moments:
        bad.setdefault(customer, []).append((at, what))
    return Record(known, after, bad, dict(valid), said, customers is not None)


def _said(connection: Any, export: Path) -> dict[str, tuple[bool, bool]]:
    """What people did with the real cases; empty before the first copy of the ledger."""
    if not all(any((export / name).glob("*.parquet")) for name in ("case_trigger", "case_event")):
        return {}
    parameters = {"triggers": f"{export}/case_trigger/*.parquet", "events": f"{export}/case_event/*.parquet"}
    return {trigger: (invalid, worked) for trigger, invalid, worked in connection.execute(_SAID, parameters).fetchall()}


def judge(cases: Iterable[WouldBe], record: Record) -> tuple[Judged, ...]:
    """Every case with its verdict."""
    return tuple(_judge(case, record) for case in cases)


def _judge(case: WouldBe, record: Record) -> Judged:
    after = record.follows(case.customer_id, case.opened_at)
    lead = (after.at - case.opened_at) / timedelta(days=1) if after.followed and after.at else None
    verdict, reason = _verdict(case, record, after)
    return Judged(case, verdict, reason, lead)


def _verdict(case: WouldBe, record: Record, after: After) -> tuple[Verdict, str]:
    said = [record.said[hit.trigger_id] for hit in case.hits if hit.trigger_id in record.said]
    valid = [record.valid[signal] for signal in case.signals if signal in record.valid]
    if any(invalid for invalid, _ in said) or (valid and not any(valid)):
        return "wrong", "marked invalid"
    if any(worked for _, worked in said) or any(valid):
        return "right", "held for real"
    if case.outcome in WELL:
        return "right", "put right"
    if case.kind == CaseKind.EXCELLENCE:
        return "unknown", "praise, nobody said"
    if after.followed:
        return "right", str(after.what)
    if not after.has_customer:
        return "unknown", "no customer known"
    if not after.is_ripe:
        return "unknown", "too early"
    return ("wrong", "rejected, nothing followed") if case.outcome == REJECTED else ("unknown", "nothing followed")


def lead_times(judged: Sequence[Judged]) -> list[float]:
    """Days from opening until what followed, of the cases something followed on."""
    return [item.lead_days for item in judged if item.lead_days is not None]
