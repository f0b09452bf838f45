-- one row per source, organisation and month (source, organisation, month_start): answers in time, as parts of a rate
with signals as (

    select
        source,
        coalesce(organisation, 'unknown') as organisation,
        {{ month_of('occurred_at') }} as month_start,
        is_timely,
        -- Judged by the source itself: what it has not judged, or never set a target for, stays unknown.
        true as is_decided
    from {{ ref('int_signal') }}
    where source in ('cfpb', 'city311')

),

cases as (

    select
        'cases' as source,
        coalesce(team, 'unassigned') as organisation,
        {{ month_of('opened_at') }} as month_start,
        is_resolved_in_time as is_timely,
        resolve_target_seconds is null or is_resolved_in_time is not null as is_decided
    from {{ ref('fct_case') }}
    where case_kind <> 'excellence' and state not in ('merged', 'invalid')

),

judged as (

    select * from signals
    union all
    select * from cases

)

select
    source,
    organisation,
    month_start,
    count(case when is_timely then 1 end) as timely,
    count(case when is_timely is not null then 1 end) as denominator,
    count(case when not is_decided then 1 end) as excluded,
    count(case when is_decided and is_timely is null then 1 end) as missing
from judged
group by source, organisation, month_start
