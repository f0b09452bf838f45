-- one row per case opened up to as_of (case_id): where it stands, who has it, and how it does against its targets
with cases as (

    select * from {{ ref('stg_ledger__case') }}

),

states as (

    select * from {{ ref('int_case_state') }}

),

causes as (

    select * from {{ ref('stg_programme__cause') }}

),

clocks as (

    -- Where a metric was promised more than once, the last promise is the one a case is judged by; all are in fct_case_sla.
    select * from {{ ref('fct_case_sla') }}
    where is_current

),

cases_with_clocks as (

    select
        cases.case_id,
        cases.case_no,
        cases.case_kind,
        cases.rule_id,
        cases.subject_type,
        cases.subject_id,
        cases.customer_id,
        cases.journey,
        cases.cause_id,
        causes.failure_type,
        cases.theme_id,
        cases.segment,
        cases.region,
        cases.value_usd,
        states.state,
        states.state in ('new', 'assigned', 'in_progress', 'waiting_for_customer') as is_open,
        states.severity,
        states.opened_severity,
        states.team,
        states.owner_role,
        states.owner_id,
        states.playbook_code,
        states.outcome_code,
        states.merged_into_case_id,
        cases.episode_started_at,
        states.opened_at,
        states.first_action_at,
        states.first_resolved_at,
        states.first_reopened_at,
        states.resolved_at,
        states.closed_at,
        states.informed_at,
        states.loop_closed_at,
        states.verified_at,
        states.ended_at,
        states.signals,
        states.events,
        states.reopens,
        states.escalations,
        first_action.target_seconds as first_action_target_seconds,
        first_action.due_at as first_action_due_at,
        first_action.is_in_time as is_first_action_in_time,
        resolve.target_seconds as resolve_target_seconds,
        resolve.clock as resolve_target_clock,
        resolve.due_at as resolve_due_at,
        resolve.is_in_time as is_resolved_in_time,
        resolve.clock_state as resolve_clock_state,
        coalesce(states.ended_at, {{ as_of() }}) as watched_until_at
    from cases
    inner join states on cases.case_id = states.case_id
    left join causes on cases.cause_id = causes.cause_id
    left join clocks as first_action on cases.case_id = first_action.case_id and first_action.metric = 'first_action'
    left join clocks as resolve on cases.case_id = resolve.case_id and resolve.metric = 'resolve'

)

select
    case_id,
    case_no,
    case_kind,
    rule_id,
    subject_type,
    subject_id,
    customer_id,
    journey,
    cause_id,
    failure_type,
    theme_id,
    segment,
    region,
    value_usd,
    state,
    is_open,
    severity,
    opened_severity,
    team,
    owner_role,
    owner_id,
    playbook_code,
    outcome_code,
    merged_into_case_id,
    episode_started_at,
    opened_at,
    first_action_at,
    first_resolved_at,
    first_reopened_at,
    resolved_at,
    closed_at,
    informed_at,
    loop_closed_at,
    verified_at,
    ended_at,
    cast(signals as integer) as signals,
    cast(events as integer) as events,
    cast(reopens as integer) as reopens,
    cast(escalations as integer) as escalations,
    first_action_target_seconds,
    first_action_due_at,
    resolve_target_seconds,
    resolve_target_clock,
    resolve_due_at,
    resolve_clock_state,
    is_first_action_in_time,
    is_resolved_in_time,
    case when resolve_target_seconds is not null then is_open and resolve_clock_state = 'breached' end as is_overdue,
    {{ seconds_between('opened_at', 'first_action_at') }} as seconds_to_first_action,
    first_action_at is null as is_first_action_censored,
    {{ seconds_between('opened_at', 'coalesce(first_action_at, watched_until_at)') }} as first_action_observed_seconds,
    {{ seconds_between('opened_at', 'resolved_at') }} as seconds_to_resolution,
    resolved_at is null as is_resolution_censored,
    {{ seconds_between('opened_at', 'coalesce(resolved_at, watched_until_at)') }} as resolution_observed_seconds,
    {{ seconds_between('episode_started_at', 'resolved_at') }} as seconds_from_evidence_to_resolution,
    {{ as_of() }} as as_of
from cases_with_clocks
