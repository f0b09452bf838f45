-- one row per measure and week (drift_id): how far the newest weeks are from what the models were fitted on
select
    cast(drift_id as varchar) as drift_id,
    cast(week as date) as week_start,
    cast(measure as varchar) as measure,
    cast(value as double) as measured,
    cast(low as double) as measured_low,
    cast(high as double) as measured_high,
    cast(limit_value as double) as limit_value,
    cast(is_drift as boolean) as is_drift,
    cast(model_id as varchar) as model_id
from {{ source('ml', 'ml_root_cause__drift') }}
