"""Who is about to leave: what was known of each customer at regular moments, and whether they then left.

Belongs here: the snapshots and their words. Not here: fitting (`training.py`). Language, vulnerability and place are left
out on purpose: none of them may decide whom we court. What happened after a snapshot never enters it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.early_warning.training import Past

KIND = "churn"
# Horizons in days, the most wanted first; a shorter one is taken where the history does not hold three of it.
HORIZONS = (90, 60, 30)
# Weeks kept at most; further back the company was another one.
_MOST_WEEKS = 156
_MOST_SNAPSHOTS = 60_000

NUMBERS = (
    "contacts_30d", "contacts_90d", "severe_90d", "escalations_90d", "score_last", "score_change", "sentiment_90d",
    "days_since_contact", "unresolved", "tenure_days", "log_value",
)  # fmt: skip
CATEGORIES = ("segment", "tier")
WORDS: Mapping[str, str] = {
    "contacts_30d": "{:.0f} contacts in 30 days",
    "contacts_90d": "{:.0f} contacts in 90 days",
    "severe_90d": "{:.0f} severe matters in 90 days",
    "escalations_90d": "{:.0f} escalations in 90 days",
    "score_last": "last score {:.2f} of 1",
    "score_change": "score moved by {:+.2f} against their own average",
    "sentiment_90d": "feeling of the words {:+.2f}",
    "days_since_contact": "{:.0f} days since the last contact",
    "unresolved": "{:.0f} matters of 90 days not put right",
    "tenure_days": "customer for {:.0f} days",
    "log_value": "value of the customer",
    "segment": "segment {}",
    "tier": "tier {}",
}

# `moment` holds the snapshots. A customer belongs to one when they had joined and had not left, with the attributes of
# the version then in force.
_SNAPSHOTS = """
with base as (
    select m.as_of, c.customer_id, c.segment, c.tier, c.joined_on, cast(c.annual_value_usd as double) as value,
           f.left_at
    from moment m
    join customer c on c.valid_from <= m.as_of and (c.valid_to is null or c.valid_to > m.as_of)
    join fate f on f.customer_id = c.customer_id
    where c.status = 'active' and (c.joined_on is null or c.joined_on <= cast(m.as_of as date))
      and (f.left_at is null or f.left_at > m.as_of)
),
heard as (
    select b.as_of, b.customer_id,
        count(*) filter (s.is_contact and s.occurred_at > b.as_of - interval 30 day) as contacts_30d,
        count(*) filter (s.is_contact and s.occurred_at > b.as_of - interval 90 day) as contacts_90d,
        count(*) filter (s.is_contact and s.severity <= 2 and s.occurred_at > b.as_of - interval 90 day) as severe_90d,
        count(*) filter (s.signal_kind = 'escalation' and s.occurred_at > b.as_of - interval 90 day) as escalations_90d,
        max_by(s.score_normalised, s.occurred_at) filter (s.is_answer) as score_last,
        avg(s.score_normalised) filter (s.is_answer) as score_mean,
        count(*) filter (s.is_answer) as answers,
        avg(s.sentiment) filter (s.occurred_at > b.as_of - interval 90 day) as sentiment_90d,
        date_diff('hour', max(s.occurred_at) filter (s.is_contact), b.as_of) / 24.0 as days_since_contact,
        count(*) filter (s.is_contact and (s.resolved_at is null or s.resolved_at > b.as_of)
            and s.occurred_at > b.as_of - interval 90 day) as unresolved
    from base b
    join heard_of s on s.customer_id = b.customer_id and s.occurred_at <= b.as_of
    group by b.as_of, b.customer_id
)
select b.as_of, b.customer_id, b.left_at, b.segment, b.tier,
    coalesce(h.contacts_30d, 0)::double as contacts_30d, coalesce(h.contacts_90d, 0)::double as contacts_90d,
    coalesce(h.severe_90d, 0)::double as severe_90d, coalesce(h.escalations_90d, 0)::double as escalations_90d,
    h.score_last, case when h.answers > 1 then h.score_last - h.score_mean end as score_change,
    h.sentiment_90d, h.days_since_contact, coalesce(h.unresolved, 0)::double as unresolved,
    date_diff('day', b.joined_on, cast(b.as_of as date))::double as tenure_days,
    ln(1 + greatest(b.value, 0)) as log_value
from base b left join heard h using (as_of, customer_id)
order by b.as_of, b.customer_id
"""
_HEARD = """
create table heard_of as
select s.customer_id, s.signal_kind, s.occurred_at, s.severity, s.score_normalised, s.sentiment, r.resolved_at,
    s.signal_kind in ('complaint', 'ticket', 'review', 'escalation') as is_contact,
    s.signal_kind = 'survey_response' and s.score_normalised is not null as is_answer
from signal s left join resolved r using (signal_id)
where s.customer_id is not null and s.signal_kind not in ('qa_audit', 'agent_note') and s.source <> 'desk'
"""


def snapshots(
    fct_signal: pa.Table, dim_customer: pa.Table, moments: list[datetime], *, resolution: pa.Table | None = None
) -> pa.Table:
    """One row per moment (UTC) and customer active then: `as_of`, `customer_id`, `left_at` (null when never) and features.

    `fct_signal` and `dim_customer` have the columns of those marts, `resolution` those of `int_resolution`.
    """
    import duckdb

    resolved = resolution if resolution is not None else pa.table({"signal_id": pa.array([], pa.string())})
    if "resolved_at" not in resolved.column_names:
        resolved = resolved.append_column("resolved_at", pa.nulls(resolved.num_rows, pa.timestamp("us")))
    with duckdb.connect(":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("signal", _plain_times(fct_signal))
        connection.register("customer", _plain_times(dim_customer))
        connection.register("resolution", _plain_times(resolved))
        connection.execute(
            "create table resolved as select signal_id, max(resolved_at) as resolved_at from resolution group by 1"
        )
        connection.execute(
            "create table fate as select customer_id, cast(max(churned_on) as timestamp) as left_at from customer group by 1"
        )
        connection.register(
            "moment", pa.table({"as_of": pa.array([m.replace(tzinfo=None) for m in moments], pa.timestamp("us"))})
        )
        connection.execute(_HEARD)
        return connection.execute(_SNAPSHOTS).to_arrow_table()


def past(
    fct_signal: pa.Table, dim_customer: pa.Table, *, as_of: datetime, resolution: pa.Table | None = None
) -> Past | None:
    """Weekly snapshots whose outcome is known, for the longest horizon the history holds; None where it holds none.

    Three horizons must fit before `as_of`, and eight weeks: one for the outcomes of each slice of time.
    """
    first = _first(fct_signal)
    if first is None:
        return None
    span = (as_of - first) / timedelta(days=1)
    horizon = next((days for days in HORIZONS if span >= 3 * days + 56), None)
    if horizon is None:
        return None
    last = as_of - timedelta(days=horizon)
    weeks = min(int((last - first) / timedelta(days=7)) - 3, _MOST_WEEKS)
    active = max(int(pc.sum(pc.fill_null(dim_customer.column("is_current"), False)).as_py() or 0), 1)
    step = max(-(-weeks * active // _MOST_SNAPSHOTS), 1)
    moments = [last - timedelta(days=7 * number) for number in range(0, weeks, step)]
    table = snapshots(fct_signal, dim_customer, moments, resolution=resolution)
    return _labelled(table, horizon) if table.num_rows else None


def _labelled(table: pa.Table, horizon: int) -> Past:
    at, left = _days(table.column("as_of")), _days(table.column("left_at"))
    outcome = left <= at + horizon
    codes = table.column("customer_id").combine_chunks().dictionary_encode()
    return Past(
        kind=KIND, table=table.select([*NUMBERS, *CATEGORIES]), outcome=outcome, at=at, known_at=at + horizon,
        subjects=np.asarray(codes.indices, dtype=np.int64), columns=(*NUMBERS, *CATEGORIES), vouched=NUMBERS,
        event_at=np.where(outcome, left, np.nan), horizon_days=horizon,
    )  # fmt: skip


def _first(fct_signal: pa.Table) -> datetime | None:
    found = pc.min(fct_signal.column("occurred_at")).as_py()
    if found is None:
        return None
    moment: datetime = found
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _days(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Days since 1970, NaN where unknown."""
    whole = column.cast(pa.timestamp("s")).cast(pa.int64()).cast(pa.float64())
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.float64) / 86_400


def _plain_times(table: pa.Table) -> pa.Table:
    """UTC instants without their zone, so that tables of both kinds compare."""
    fields = [
        pa.field(field.name, pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
