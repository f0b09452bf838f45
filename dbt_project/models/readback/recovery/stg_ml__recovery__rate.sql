-- one row per level and subject (rate_id): the recovery rate as answered, adjusted for silence, and its bounds
select
    cast(rate_id as varchar) as rate_id,
    cast(level as varchar) as level,
    cast(subject as varchar) as subject,
    cast(n as bigint) as n,
    cast(n_known as bigint) as n_known,
    cast(n_recovered as bigint) as n_recovered,
    cast(n_answered as bigint) as n_answered,
    cast(n_immature as bigint) as n_immature,
    cast(effective as double) as effective,
    cast(raw as double) as raw,
    cast(raw_low as double) as raw_low,
    cast(raw_high as double) as raw_high,
    cast(adjusted as double) as adjusted,
    cast(adjusted_low as double) as adjusted_low,
    cast(adjusted_high as double) as adjusted_high,
    cast(worst as double) as worst,
    cast(best as double) as best,
    cast(bounds_low as double) as bounds_low,
    cast(bounds_high as double) as bounds_high,
    cast(reason as varchar) as reason,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__rate') }}
