-- one row per kind of risk, subject and ISO week (risk_id): the highest probability told in that week
select
    cast(risk_id as varchar) as risk_id,
    cast(kind as varchar) as kind,
    cast(subject_id as varchar) as subject_id,
    cast(customer_id as varchar) as customer_id,
    cast(case_id as varchar) as case_id,
    cast(as_of as timestamptz) as as_of,
    cast(probability as double) as probability,
    cast(low as double) as low,
    cast(high as double) as high,
    cast(base_rate as double) as base_rate,
    cast(horizon_days as bigint) as horizon_days,
    cast(reasons as varchar) as reasons,
    cast(model_id as varchar) as model_id
from {{ source('ml', 'ml_detection__risk') }}
