-- one row per case and span in which its team's clocks count (case_id, span_no): neither waiting for the customer nor settled
with events as (

    select
        case_id,
        event_kind,
        occurred_at,
        row_number() over (partition by case_id order by occurred_at, seq) as place
    from {{ ref('stg_ledger__case_event') }}
    where occurred_at <= {{ as_of() }}

),

marks as (
    {% for gap, kinds in gap_kinds().items() %}
    select
        case_id,
        '{{ gap }}' as gap,
        occurred_at,
        place,
        event_kind in {{ listed(kinds['begins']) }} as is_begin
    from events
    where event_kind in {{ listed(kinds['begins'] + kinds['ends']) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

before as (

    select
        *,
        coalesce(lag(is_begin) over (partition by case_id, gap order by place), false) as was_begin
    from marks

),

gaps as (

    select
        case_id,
        occurred_at as starts_at,
        -- A gap that has not ended reaches beyond every moment that is asked about.
        coalesce(lead(occurred_at) over (partition by case_id, gap order by place), {{ end_of_time() }}) as ends_at,
        is_begin
    from before
    -- A begin within a gap and an end without one say nothing new.
    where is_begin <> was_begin

),

reached as (

    select
        *,
        max(ends_at) over (
            partition by case_id
            order by starts_at, ends_at
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from gaps
    where is_begin

),

numbered as (

    select
        *,
        sum(case when reached_at is null or starts_at > reached_at then 1 else 0 end) over (
            partition by case_id
            order by starts_at, ends_at
            rows between unbounded preceding and current row
        ) as island
    from reached

),

islands as (

    select
        case_id,
        island,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from numbered
    group by case_id, island

),

spans as (

    select
        case_id,
        lag(ends_at) over (partition by case_id order by starts_at) as starts_at,
        starts_at as ends_at
    from islands
    union all
    select
        case_id,
        max(ends_at) as starts_at,
        null as ends_at
    from islands
    group by case_id
    having max(ends_at) < {{ end_of_time() }}
    union all
    select
        case_id,
        null as starts_at,
        null as ends_at
    from events
    where place = 1 and case_id not in (select islands.case_id from islands)

)

select
    case_id,
    row_number() over (partition by case_id order by starts_at nulls first) as span_no,
    starts_at,
    ends_at
from spans
