"""What rules would have found in a past stretch of time, decided each day on what was known by then.

Belongs here: taking back what became known later, and detection over a stretch with each trigger's own day as its
present. Not here: detection itself (`triggers.py`), or what the triggers would have opened (`casework/backtest`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.detection.evidence import Encode, Evidence, read_evidence
from ml.detection.triggers import Window, detect
from models.taxonomy import Taxonomy
from models.trigger import TriggerRule

# Codes that people or systems give on receiving a matter are known at once; these come with working on it.
_LATER = ("resolution", "qa_review", "case_owner", "review")

_AS_KNOWN = """
    with told as (
        select
            signals.signal_id,
            labels.reported_cause_id,
            labels.coded_cause_basis in {later} and (
                case
                    when labels.coded_cause_basis = 'resolution' then resolutions.resolved_at
                    when labels.coded_cause_basis in ('case_owner', 'review') then labels.labelled_at
                end <= date_trunc('day', labels.occurred_at) + interval 1 day
            ) is not true as is_later,
            (labels.labelled_at <= date_trunc('day', labels.occurred_at) + interval 1 day) is not true as is_label_later,
            labels.labelled_severity,
            labels.labelled_kind,
            labels.labelled_theme_id
        from signals
        inner join labels using (signal_id)
        left join (
            select signal_id, min(resolved_at) as resolved_at from resolutions group by signal_id
        ) as resolutions using (signal_id)
    ),

    coded as (
        select
            signals.*,
            told.* exclude (signal_id),
            coalesce(told.is_later, false) as back,
            coalesce(told.is_label_later, false) and told.labelled_severity is not null as severity_back,
            coalesce(told.is_label_later, false) and told.labelled_kind is not null as kind_back,
            coalesce(told.is_label_later, false) and told.labelled_theme_id is not null as theme_back,
            coalesce(told.reported_cause_id, signals.model_cause_id) as early_cause_id
        from signals
        left join told using (signal_id)
    )

    select
        coded.* exclude (
            reported_cause_id, is_later, is_label_later, labelled_severity, labelled_kind, labelled_theme_id,
            back, severity_back, kind_back, theme_back, early_cause_id
        ) replace (
            case when back then reported_cause_id else coded.coded_cause_id end as coded_cause_id,
            case when back then early_cause_id else coded.cause_id end as cause_id,
            case
                when not back then cause_basis
                when reported_cause_id is not null then 'code'
                when model_cause_id is not null then 'model'
            end as cause_basis,
            case when back then causes.journey else coded.journey end as journey,
            case when back then causes.failure_type else coded.failure_type end as failure_type,
            case when severity_back then least(severity_floor, severity_model) else severity end as severity,
            case when severity_back then null else severity_reason end as severity_reason,
            case when kind_back then null else feedback_kind end as feedback_kind,
            case when theme_back then null else theme_id end as theme_id
        )
    from coded
    left join causes on coded.early_cause_id = causes.cause_id
    order by signal_id
"""


# Rules and a stretch of time -> the triggers they would have made in it.
Find = Callable[[Iterable[TriggerRule], datetime, datetime], pa.Table]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time that is decided on day by day, from `since` up to `until` (UTC), and after how many days a signal is history."""

    since: datetime
    until: datetime
    historic_after_days: int


def as_known(fct_signal: pa.Table, int_signal: pa.Table, int_resolution: pa.Table, taxonomy: Taxonomy) -> pa.Table:
    """Signals as they were known at the end of their own day: a cause coded on solving, auditing or reviewing a matter,
    and a reviewer's severity, kind or theme, are taken back unless they came that very day.

    Where a code is taken back, the code the matter came with stands, else what the model reads in the text. Severity falls
    back to floor and model; kind and theme become unknown. Tables have the columns of the marts of those names. What a
    source changed in its rows later, and that today's model has learnt since, cannot be taken back.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, table in (("signals", fct_signal), ("labels", int_signal), ("resolutions", int_resolution)):
            connection.register(name, table)
        connection.register("causes", _causes(taxonomy))
        found = connection.execute(_AS_KNOWN.format(later=_LATER)).to_arrow_table()
    return found.cast(fct_signal.schema)


def _causes(taxonomy: Taxonomy) -> pa.Table:
    rows = [{"cause_id": c.id, "journey": c.journey, "failure_type": c.failure_type} for c in taxonomy.causes]
    names = ("cause_id", "journey", "failure_type")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def finder(handoff: Path, taxonomy: Taxonomy, historic_after_days: int, *, encode: Encode | None = None) -> Find:
    """Finding over the newest hand-over of a home, with its signals as they were known on their day.

    Raises FileNotFoundError where no signal was handed over yet.
    """
    evidence = read_evidence(handoff, encode=encode)
    labels, resolutions = (pq.read_table(handoff / f"{name}.parquet") for name in ("int_signal", "int_resolution"))
    evidence = replace(evidence, fct_signal=as_known(evidence.fct_signal, labels, resolutions, taxonomy))

    def find(rules: Iterable[TriggerRule], since: datetime, until: datetime) -> pa.Table:
        return find_daily(evidence, rules, Stretch(since, until, historic_after_days))

    return find


def find_daily(evidence: Evidence, rules: Iterable[TriggerRule], stretch: Stretch) -> pa.Table:
    """Triggers from `since` to `until`, as detection run at the end of each day would have found them; sorted by trigger_id.

    One detection over the whole stretch: what a rule finds at a time depends on nothing after it, which
    `tests/unit/ml/test_replay.py` holds against a detection per day. Rules count for the whole stretch, whatever their
    `effective_from` says: the question is what they would have done. Raises ValueError when `until` has no time zone.
    """
    undated = [rule.model_copy(update={"effective_from": None}) for rule in rules]
    window = Window(stretch.until, stretch.historic_after_days)
    found = detect(_until(evidence, stretch.until), undated, window)
    at = found.column("occurred_at")
    # What a series shows of the last day is known at its end, which is `until` itself; no signal of that instant is in.
    kept = found.filter(pc.and_(pc.greater_equal(at, stretch.since), pc.less_equal(at, stretch.until)))
    # On its own day a trigger is at most a day old, so it is history only where everything is.
    historic = pa.array([stretch.historic_after_days < 1] * kept.num_rows, pa.bool_())
    place = kept.schema.get_field_index("is_historic")
    return kept.set_column(place, kept.schema.field(place), historic).combine_chunks()


def _until(evidence: Evidence, until: datetime) -> Evidence:
    """The evidence without signals of `until` and later; charts cut their own tables at the instant they look from."""
    at = evidence.fct_signal.column("occurred_at")
    limit = pa.scalar(until if _has_zone(at.type) else until.replace(tzinfo=None), at.type)
    return replace(evidence, fct_signal=evidence.fct_signal.filter(pc.less(at, limit)))


def _has_zone(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz is not None
