-- one row per ledger event (event_id)
select
    cast(event_id as bigint) as event_id,
    cast(case_id as varchar) as case_id,
    cast(seq as integer) as seq,
    cast(kind as varchar) as event_kind,
    {{ utc('occurred_at') }} as occurred_at,
    {{ utc('recorded_at') }} as recorded_at,
    cast(actor_type as varchar) as actor_type,
    cast(actor_id as varchar) as actor_id,
    cast(state_after as varchar) as state_after,
    cast(payload as varchar) as payload,
    cast(hash as varchar) as event_hash
from {{ source('ledger', 'case_event') }}
-- An export that was interrupted may be written again beside its first try.
{{ keep_first(partition_by=['event_id'], order_by=['seq']) }}
