-- one row per metric, clock and week of the promise (metric, clock, week_start): promises kept, missed and not decided
with promises as (

    select
        clocks.*,
        {{ week_of('clocks.applied_at') }} as week_start,
        cases.state in ('merged', 'invalid') as is_void
    from {{ ref('fct_case_sla') }} as clocks
    inner join {{ ref('fct_case') }} as cases on clocks.case_id = cases.case_id

)

select
    metric,
    clock,
    any_value(party) as party,
    week_start,
    count(*) as promises,
    count(case when not is_void and clock_state = 'met' then 1 end) as met,
    count(case when not is_void and clock_state = 'breached' then 1 end) as breached,
    count(case when not is_void and clock_state = 'breached' and is_live then 1 end) as breached_open,
    count(case when not is_void and clock_state in ('running', 'paused') then 1 end) as running,
    count(case when not is_void and is_at_risk then 1 end) as at_risk,
    count(case when not is_void and clock_state = 'superseded' then 1 end) as superseded,
    count(case when is_void or clock_state = 'cancelled' then 1 end) as cancelled,
    count(case when not is_void and clock_state is null then 1 end) as missing,
    max(as_of) as as_of
from promises
group by metric, clock, week_start
