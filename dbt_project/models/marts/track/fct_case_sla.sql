-- one row per clock of a case (case_id, metric, applied_at, policy_version, applied_seq): what it says at as_of
with clocks as (

    select
        *,
        coalesce(ended_at, {{ as_of() }}) as watched_until_at,
        row_number() over (partition by case_id, metric order by applied_at desc, applied_seq desc) = 1 as is_current
    from {{ ref('int_case_clock') }}

),

-- The spans that count: of the team's clocks those in which it could work, of the customer's all of it.
pieces as (

    select
        clocks.*,
        greatest(clocks.started_at, spans.starts_at) as begins_at,
        least(clocks.ended_at, spans.ends_at) as finishes_at
    from clocks
    inner join {{ ref('int_case_working_span') }} as spans
        on
            clocks.case_id = spans.case_id
            and clocks.party = 'team'
            and (spans.starts_at is null or clocks.ended_at is null or spans.starts_at < clocks.ended_at)
            and (spans.ends_at is null or spans.ends_at > clocks.started_at)
    where clocks.ended_at is null or clocks.started_at < clocks.ended_at
    union all
    select
        *,
        started_at as begins_at,
        ended_at as finishes_at
    from clocks
    where party = 'customer' and (ended_at is null or started_at < ended_at)

),

measured as (

    select
        pieces.*,
        {{ open_seconds_up_to('at_start', 'pieces.begins_at') }} as open_before,
        case pieces.clock
            when 'wall' then {{ whole_seconds('pieces.begins_at', 'coalesce(pieces.finishes_at, pieces.watched_until_at)') }}
            else {{ business_seconds(
                'at_start', 'pieces.begins_at', 'at_end', 'coalesce(pieces.finishes_at, pieces.watched_until_at)'
            ) }}
        end as piece_seconds
    from pieces
    {{ join_stretch('at_start', 'pieces.calendar_code', 'pieces.begins_at', ref('int_business_stretch')) }}
    {{ join_stretch(
        'at_end', 'pieces.calendar_code', 'coalesce(pieces.finishes_at, pieces.watched_until_at)', ref('int_business_stretch')
    ) }}

),

summed as (

    select
        *,
        coalesce(sum(piece_seconds) over (
            partition by case_id, metric, applied_seq
            order by begins_at
            rows between unbounded preceding and 1 preceding
        ), 0) as used_before
    from measured

),

-- The piece in which the target is used up; a piece that still lasts reaches it sooner or later.
wishes as (

    select
        *,
        open_before + target_seconds - used_before as wanted
    from summed
    where used_before < target_seconds and (finishes_at is null or used_before + piece_seconds >= target_seconds)

),

due as (

    select
        wishes.case_id,
        wishes.metric,
        wishes.applied_seq,
        case wishes.clock
            when 'wall' then {{ plus_seconds('wishes.begins_at', 'wishes.target_seconds - wishes.used_before') }}
            else {{ moment_reached('reach', 'wishes.wanted') }}
        end as due_at
    from wishes
    {{ join_reach('reach', 'wishes.calendar_code', 'wishes.wanted', ref('stg_programme__business_interval')) }}

),

used as (

    select
        case_id,
        metric,
        applied_seq,
        -- One piece outside the horizon of the calendar makes the sum unknown.
        case when count(*) = count(piece_seconds) then sum(piece_seconds) end as used_seconds,
        max(case when finishes_at is null then 1 else 0 end) = 1 as is_running
    from summed
    group by case_id, metric, applied_seq

),

told as (

    select
        clocks.*,
        due.due_at,
        cast(case when used.case_id is null then 0 else used.used_seconds end as bigint) as used_seconds,
        cast(case clocks.clock
            when 'wall' then {{ whole_seconds('clocks.started_at', 'clocks.watched_until_at') }}
            else {{ business_seconds('at_start', 'clocks.started_at', 'at_end', 'clocks.watched_until_at') }}
        end as bigint) as elapsed_seconds,
        coalesce(used.is_running, false) as is_running,
        coalesce(clocks.end_reason, 'none') <> 'cancelled' and due.due_at < clocks.watched_until_at as is_breached
    from clocks
    left join used
        on clocks.case_id = used.case_id and clocks.metric = used.metric and clocks.applied_seq = used.applied_seq
    left join due
        on clocks.case_id = due.case_id and clocks.metric = due.metric and clocks.applied_seq = due.applied_seq
    {{ join_stretch('at_start', 'clocks.calendar_code', 'clocks.started_at', ref('int_business_stretch')) }}
    {{ join_stretch('at_end', 'clocks.calendar_code', 'clocks.watched_until_at', ref('int_business_stretch')) }}

),

judged as (

    select
        *,
        case
            when end_reason = 'cancelled' then 'cancelled'
            when elapsed_seconds is null or used_seconds is null then null
            when is_breached then 'breached'
            when end_reason = 'superseded' then 'superseded'
            when end_reason = 'expired' then 'cancelled'
            when end_reason = 'stopped' then 'met'
            when is_running then 'running'
            else 'paused'
        end as clock_state
    from told

)

select
    case_id,
    metric,
    applied_at,
    policy_version,
    applied_seq,
    party,
    severity,
    clock,
    calendar_code,
    target_seconds,
    started_at,
    ended_at as stopped_at,
    clock_state,
    is_current,
    ended_at is null as is_live,
    -- Replaced or taken back before it was decided, or still running: neither kept nor missed.
    case clock_state when 'met' then true when 'breached' then false end as is_in_time,
    due_at,
    used_seconds,
    elapsed_seconds,
    elapsed_seconds - used_seconds as paused_seconds,
    case when is_breached then greatest(due_at, applied_at) end as breached_at,
    -- Stops growing when the clock stops: how late it was, not how long ago that is.
    case
        when clock_state is null then null
        when is_breached then used_seconds - target_seconds
        else 0
    end as breach_seconds,
    case
        when clock_state is not null then clock_state = 'running' and used_seconds >= {{ at_risk_share() }} * target_seconds
    end as is_at_risk,
    {{ as_of() }} as as_of
from judged
