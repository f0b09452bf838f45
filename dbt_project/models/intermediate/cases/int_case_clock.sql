-- one row per clock of a case (case_id, metric, applied_seq): a target as it was applied, from when to when it ran
with events as (

    select
        *,
        row_number() over (partition by case_id order by occurred_at, seq) as place,
        max(case when event_kind = 'opened' then occurred_at end) over (
            partition by case_id
            order by occurred_at, seq
            rows between unbounded preceding and current row
        ) as opened_at
    from {{ ref('stg_ledger__case_event') }}
    -- In the order in which things happened: late news is put where it belongs, as in models/clocks.py.
    where occurred_at <= {{ as_of() }}

),

promises as (

    select
        case_id,
        seq,
        place,
        occurred_at,
        opened_at,
        payload,
        coalesce({{ json_text('payload', 'reason') }}, 'opened') as reason,
        {{ json_items('payload', 'targets') }} as promise
    from events
    where event_kind = 'sla_applied'

),

applied as (

    select
        *,
        {{ json_text('promise', 'metric') }} as metric,
        coalesce({{ json_text('promise', 'on_reopen') }}, 'continue') as on_reopen
    from promises

),

rules as (
    {{ clock_rule_rows() }}
),

ops as (

    select
        case_id,
        metric,
        seq,
        place,
        occurred_at,
        opened_at,
        payload,
        promise,
        case
            when reason = 'reopened' and (on_reopen = 'restart' or metric in {{ metrics_started_again() }}) then 'r'
            when reason = 'reopened' and metric <> 'first_action' then 'o'
            when reason = 'unmerged' then 'u'
            else 'a'
        end as op
    from applied
    union all
    select
        events.case_id,
        rules.metric,
        events.seq,
        events.place,
        events.occurred_at,
        events.opened_at,
        null as payload,
        null as promise,
        rules.op
    from events
    inner join rules on events.event_kind = rules.event_kind
    -- Nothing automation does by itself stops a clock.
    where rules.op <> 's' or events.actor_type in ('person', 'source')

),

phases as (

    select
        case_id,
        metric,
        -- The linter's grammar has no lambda yet.
        {{ clock_phases('op', 'place') }} as phases -- noqa: PRS
    from ops
    where (case_id, metric) in (select (applied.case_id, applied.metric) from applied)
    group by case_id, metric

),

placed as (

    select
        ops.*,
        phases.phases,
        cast(row_number() over (partition by ops.case_id, ops.metric order by ops.place) as integer) as op_no
    from ops
    inner join phases on ops.case_id = phases.case_id and ops.metric = phases.metric

),

effective as (

    select
        *,
        substr(phases, op_no, 1) as phase_before,
        substr(phases, op_no + 1, 1) as phase
    from placed
    -- A clock begins, or is replaced by the next, when a target is applied and runs; it begins anew after a stop.
    where
        (op in ('a', 'o', 'r', 'u') and substr(phases, op_no + 1, 1) = 'r')
        or substr(phases, op_no, 1) <> substr(phases, op_no + 1, 1)

),

runs as (

    select
        case_id,
        metric,
        seq,
        place,
        phase,
        occurred_at as applied_at,
        payload,
        promise,
        case
            when op in ('r', 'g') then occurred_at
            when phase_before = 'n' then coalesce(opened_at, occurred_at)
        end as fresh_start_at,
        lead(occurred_at) over (partition by case_id, metric order by place) as ended_at,
        case lead(phase) over (partition by case_id, metric order by place)
            when 'r' then 'superseded'
            when 's' then 'stopped'
            when 'v' then 'cancelled'
            when 'e' then 'expired'
        end as end_reason
    from effective

),

clocks as (

    select
        case_id,
        metric,
        seq as applied_seq,
        applied_at,
        -- A target that replaces another takes over its start, and with it the time used and the pauses so far.
        {{ carried('fresh_start_at', ['case_id', 'metric'], 'place') }} as started_at,
        ended_at,
        end_reason,
        -- A clock that begins anew runs for the target that was in force.
        {{ carried('payload', ['case_id', 'metric'], 'place') }} as payload,
        {{ carried('promise', ['case_id', 'metric'], 'place') }} as promise
    from runs
    where phase = 'r'

),

timed as (

    select
        *,
        -- A business clock without a calendar is the wall clock.
        case
            when {{ json_text('promise', 'clock') }} = 'business' then {{ json_text('promise', 'calendar') }}
        end as calendar_code
    from clocks

)

select
    case_id,
    metric,
    case when metric in {{ metrics_of('team') }} then 'team' else 'customer' end as party,
    applied_seq,
    {{ json_text('payload', 'policy_version') }} as policy_version,
    {{ json_number('payload', 'severity', 'integer') }} as severity,
    case when calendar_code is null then 'wall' else 'business' end as clock,
    calendar_code,
    {{ json_number('promise', 'seconds', 'bigint') }} as target_seconds,
    applied_at,
    started_at,
    ended_at,
    end_reason
from timed
