-- one row per week of opening, lane and source (week_start, lane, source): how soon after its signal a case was there
with cases as (

    select
        {{ week_of('recorded_at') }} as week_start,
        lane,
        source,
        excluded_because is not null as is_excluded,
        arrival_seconds,
        platform_seconds,
        total_seconds
    from {{ ref('int_case_latency') }}

),

weeks as (

    select
        week_start,
        lane,
        source,
        count(*) as cases,
        count(case when is_excluded then 1 end) as excluded,
        count(case when not is_excluded and platform_seconds is null then 1 end) as missing,
        count(case when not is_excluded and arrival_seconds is null then 1 end) as arrival_missing,
        count(case when not is_excluded and total_seconds is null then 1 end) as total_missing,
        {{ lag_percentiles(['arrival', 'platform', 'total'], [50, 95]) }}
    from cases
    group by week_start, lane, source

)

select
    week_start,
    lane,
    source,
    cases,
    excluded,
    missing,
    arrival_missing,
    total_missing,
    arrival_p50_seconds,
    arrival_p95_seconds,
    platform_p50_seconds,
    platform_p95_seconds,
    total_p50_seconds,
    total_p95_seconds,
    {{ as_of() }} as as_of
from weeks
