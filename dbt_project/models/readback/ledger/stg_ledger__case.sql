-- one row per case (case_id): the immutable head, as it was opened
select
    cast(case_id as varchar) as case_id,
    cast(case_no as bigint) as case_no,
    cast(dedup_key as varchar) as dedup_key,
    cast(case_kind as varchar) as case_kind,
    cast(rule_id as varchar) as rule_id,
    cast(subject_type as varchar) as subject_type,
    cast(subject_id as varchar) as subject_id,
    cast(customer_id as varchar) as customer_id,
    cast(journey as varchar) as journey,
    cast(cause_id as varchar) as cause_id,
    cast(theme_id as varchar) as theme_id,
    {{ utc('episode_started_at') }} as episode_started_at,
    cast(value_usd as decimal(18, 2)) as value_usd,
    cast(segment as varchar) as segment,
    cast(region as varchar) as region
from {{ source('ledger', 'case') }}
-- An export that was interrupted may be written again beside its first try.
{{ keep_first(partition_by=['case_id'], order_by=['case_no']) }}
