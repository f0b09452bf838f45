-- one row per case, time and clock (case_id, metric, clock): how long it took, or how long it has been watched without
with cases as (

    select
        cases.*,
        milestones.first_action_at as acted_at,
        milestones.first_settled_at,
        coalesce(cases.resolved_at, cases.closed_at) as settled_at,
        -- The first evidence is where the customer's wait began, and never later than the case.
        least(cases.opened_at, coalesce(cases.episode_started_at, cases.opened_at)) as heard_at,
        -- A case that was given up is no longer watched; one that is resolved may still be closed.
        case when cases.state = 'expired' then cases.ended_at else cases.as_of end as given_up_at
    from {{ ref('fct_case') }} as cases
    left join {{ ref('int_case_milestone') }} as milestones on cases.case_id = milestones.case_id
    where cases.case_kind <> 'excellence' and cases.state not in ('merged', 'invalid')

),

-- Business hours are those of the calendar the case was promised; of the only one there is where nothing was promised by it.
calendars as (

    select
        case_id,
        min(calendar_code) as calendar_code
    from {{ ref('fct_case_sla') }}
    where calendar_code is not null
    group by case_id

),

programme as (

    select case when count(distinct calendar_code) = 1 then min(calendar_code) end as calendar_code
    from {{ ref('stg_programme__business_interval') }}

),

waits as (
    {% for item in case_times() -%}
    select
        case_id,
        as_of,
        '{{ item['metric'] }}' as metric,
        '{{ item['party'] }}' as party,
        {{ item['starts_at'] }} as started_at,
        {{ item['ends_at'] }} is not null as is_event,
        greatest(coalesce({{ item['ends_at'] }}, {{ item['watched_until_at'] }}), {{ item['starts_at'] }}) as stopped_at
    from cases
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- The team's time: of its working hours those in which the case was neither settled nor waiting for the customer.
pieces as (

    select
        waits.case_id,
        waits.metric,
        coalesce(calendars.calendar_code, programme.calendar_code) as calendar_code,
        greatest(waits.started_at, spans.starts_at) as begins_at,
        least(waits.stopped_at, spans.ends_at) as finishes_at
    from waits
    cross join programme
    left join calendars on waits.case_id = calendars.case_id
    inner join {{ ref('int_case_working_span') }} as spans
        on
            waits.case_id = spans.case_id
            and (spans.starts_at is null or spans.starts_at < waits.stopped_at)
            and (spans.ends_at is null or spans.ends_at > waits.started_at)
    where waits.party = 'team' and waits.started_at < waits.stopped_at

),

business as (

    select
        pieces.case_id,
        pieces.metric,
        -- One piece outside the horizon of the calendar makes the sum unknown.
        case
            when count(*) = count(at_start.starts_at) and count(*) = count(at_end.starts_at)
                then sum({{ business_seconds('at_start', 'pieces.begins_at', 'at_end', 'pieces.finishes_at') }})
        end as seconds
    from pieces
    {{ join_stretch('at_start', 'pieces.calendar_code', 'pieces.begins_at', ref('int_business_stretch')) }}
    {{ join_stretch('at_end', 'pieces.calendar_code', 'pieces.finishes_at', ref('int_business_stretch')) }}
    group by pieces.case_id, pieces.metric

)

select
    case_id,
    metric,
    'wall' as clock,
    party,
    started_at,
    is_event,
    cast({{ whole_seconds('started_at', 'stopped_at') }} as double) as seconds,
    as_of
from waits
where metric <> 'resolve_full'
union all
select
    waits.case_id,
    waits.metric,
    'business' as clock,
    waits.party,
    waits.started_at,
    waits.is_event,
    cast(case when business.case_id is null then 0 else business.seconds end as double) as seconds,
    waits.as_of
from waits
left join business on waits.case_id = business.case_id and waits.metric = business.metric
where waits.party = 'team'
