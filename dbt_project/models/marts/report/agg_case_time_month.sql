-- one row per time, clock and month in which the wait began (metric, clock, month_start): with what is still open, and without
with times as (

    select
        *,
        {{ month_of('started_at') }} as month_start
    from {{ ref('int_case_time') }}

),

finished as (

    select
        metric,
        clock,
        month_start,
        any_value(party) as party,
        count(*) as cases,
        count(case when seconds is not null and is_event then 1 end) as events,
        count(case when seconds is not null and not is_event then 1 end) as censored,
        count(case when seconds is null then 1 end) as missing,
        -- Of finished cases alone: what a careless report shows.
        avg(case when is_event then seconds end) as closed_only_mean,
        percentile_cont(0.5) within group (order by case when is_event then seconds end) as closed_only_median,
        percentile_disc(0.9) within group (order by case when is_event then seconds end) as closed_only_p90,
        max(as_of) as as_of
    from times
    group by metric, clock, month_start

),

curve as (

    {{ survival_steps('times', ['metric', 'clock', 'month_start']) }}

),

medians as (

    select
        metric,
        clock,
        month_start,
        {{ time_left(0.5) }} as km_median,
        {{ time_left(0.5, 'survival_low') }} as km_median_low,
        {{ time_left(0.5, 'survival_high') }} as km_median_high,
        {{ time_left(0.1) }} as km_p90
    from curve
    group by metric, clock, month_start

),

bounded as (

    select
        *,
        case
            when min(survival) over (partition by metric, clock, month_start) = 0 then {{ time_horizon('clock') }}
            else least({{ time_horizon('clock') }}, max(seconds) over (partition by metric, clock, month_start))
        end as horizon_seconds
    from curve

),

means as (

    {{ restricted_means('bounded', ['metric', 'clock', 'month_start']) }}

)

select
    finished.metric,
    finished.clock,
    finished.party,
    finished.month_start,
    finished.cases,
    finished.events,
    finished.censored,
    finished.missing,
    finished.closed_only_mean as closed_only_mean_seconds,
    finished.closed_only_median as closed_only_median_seconds,
    finished.closed_only_p90 as closed_only_p90_seconds,
    medians.km_median as km_median_seconds,
    medians.km_median_low as km_median_low_seconds,
    medians.km_median_high as km_median_high_seconds,
    medians.km_p90 as km_p90_seconds,
    means.rmst as rmst_seconds,
    greatest(0.0, means.rmst - {{ z95() }} * sqrt(means.variance)) as rmst_low_seconds,
    least(means.horizon_seconds, means.rmst + {{ z95() }} * sqrt(means.variance)) as rmst_high_seconds,
    means.horizon_seconds,
    finished.as_of
from finished
left join medians
    on
        finished.metric = medians.metric
        and finished.clock = medians.clock
        and finished.month_start = medians.month_start
left join means
    on
        finished.metric = means.metric
        and finished.clock = means.clock
        and finished.month_start = means.month_start
