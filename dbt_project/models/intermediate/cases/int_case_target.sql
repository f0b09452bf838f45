-- one row per case and metric (case_id, metric): what was promised when the case was opened
with cases as (

    select * from {{ ref('stg_ledger__case') }}

),

states as (

    select * from {{ ref('int_case_state') }}

),

-- What the ledger promised is exact: its due times were reckoned once, on the business calendar in force at the time.
promises as (

    select
        case_id,
        {{ json_items('payload', 'targets') }} as promise
    from {{ ref('stg_ledger__case_event') }}
    where event_kind = 'sla_applied' and occurred_at <= {{ as_of() }}
    -- The first promise counts: what is applied again after a reopening is another instance.
    {{ keep_first(partition_by=['case_id'], order_by=['seq']) }}

),

promised as (

    select
        case_id,
        {{ json_text('promise', 'metric') }} as metric,
        cast({{ json_text('promise', 'seconds') }} as bigint) as target_seconds,
        {{ json_text('promise', 'clock') }} as clock,
        cast(cast({{ json_text('promise', 'due_at') }} as timestamp with time zone) at time zone 'UTC' as timestamp) as due_at
    from promises

),

-- For a case without a promise of its own: the target in force at opening, by the severity it was opened with (a severity
-- raised later does not rewrite what was promised), on the wall clock. A segment's own target comes before the general one.
standing as (

    select
        cases.case_id,
        targets.metric,
        targets.target_seconds,
        {{ plus_seconds('states.opened_at', 'targets.target_seconds') }} as due_at
    from cases
    inner join states on cases.case_id = states.case_id
    inner join {{ ref('stg_programme__sla_target') }} as targets
        on
            states.opened_severity = targets.severity
            and targets.segment in (coalesce(cases.segment, '*'), '*')
            and states.opened_at >= targets.effective_from
    where
        -- Praise is worked without a clock.
        cases.case_kind <> 'excellence'
        and cases.case_id not in (select promised.case_id from promised)
    {{ keep_first(
        partition_by=['cases.case_id', 'targets.metric'],
        order_by=["case when targets.segment = '*' then 1 else 0 end", 'targets.effective_from desc']
    ) }}

)

select
    case_id,
    metric,
    target_seconds,
    clock,
    due_at,
    'ledger' as target_basis
from promised
union all
select
    case_id,
    metric,
    target_seconds,
    'wall' as clock,
    due_at,
    'programme' as target_basis
from standing
