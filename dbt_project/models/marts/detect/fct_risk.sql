-- one row per kind of risk, subject and ISO week (risk_id): what was foreseen, and whether it is of the newest week
with risks as (

    select * from {{ ref('stg_ml__detection__risk') }}

),

newest as (

    select
        kind,
        max(date_trunc('week', as_of at time zone 'UTC')) as week_start
    from risks
    group by kind

)

select
    risks.risk_id,
    risks.kind,
    risks.subject_id,
    risks.customer_id,
    risks.case_id,
    risks.as_of,
    risks.probability,
    risks.low,
    risks.high,
    risks.base_rate,
    risks.horizon_days,
    risks.reasons,
    risks.model_id,
    date_trunc('week', risks.as_of at time zone 'UTC') = newest.week_start as is_newest
from risks
inner join newest on risks.kind = newest.kind
