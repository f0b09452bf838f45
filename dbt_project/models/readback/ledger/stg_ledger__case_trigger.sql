-- one row per trigger the ledger knows (trigger_id), with the case it opened or joined
select
    cast(trigger_id as varchar) as trigger_id,
    cast(case_id as varchar) as case_id,
    cast(signal_id as varchar) as signal_id,
    cast(rule_id as varchar) as rule_id,
    cast(rule_hash as varchar) as rule_hash,
    {{ utc('occurred_at') }} as occurred_at,
    cast(lineage as varchar) as lineage
from {{ source('ledger', 'case_trigger') }}
-- An export that was interrupted may be written again beside its first try.
{{ keep_first(partition_by=['trigger_id'], order_by=['case_id']) }}
