-- one row per trigger (trigger_id): a rule that fired on a signal, or on a theme in a week
select
    cast(trigger_id as varchar) as trigger_id,
    cast(rule_id as varchar) as rule_id,
    cast(rule_hash as varchar) as rule_hash,
    cast(kind as varchar) as kind,
    cast(signal_id as varchar) as signal_id,
    cast(subject_type as varchar) as subject_type,
    cast(subject_id as varchar) as subject_id,
    cast(customer_id as varchar) as customer_id,
    cast(journey as varchar) as journey,
    cast(cause_id as varchar) as cause_id,
    cast(theme_id as varchar) as theme_id,
    cast(severity as integer) as severity,
    {{ utc('occurred_at') }} as occurred_at,
    cast(value_usd as double) as value_usd,
    cast(segment as varchar) as segment,
    cast(region as varchar) as region,
    cast(branch_id as varchar) as branch_id,
    cast(source as varchar) as source,
    cast(dedupe_days as integer) as dedupe_days,
    cast(is_historic as boolean) as is_historic,
    cast(evidence as varchar) as evidence
from {{ source('ml', 'ml_detection__trigger') }}
