-- one row per level and subject (rate_id): the recovery rate as answered, adjusted for silence, and its bounds
select
    rate_id,
    level,
    subject,
    n,
    n_known,
    n_recovered,
    n_answered,
    n_immature,
    effective,
    raw,
    raw_low,
    raw_high,
    adjusted,
    adjusted_low,
    adjusted_high,
    worst,
    best,
    bounds_low,
    bounds_high,
    reason,
    as_of
from {{ ref('stg_ml__recovery__rate') }}
