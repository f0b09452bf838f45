-- one row per thing somebody or the engine did on a case up to as_of (event_id): who, when, what, cost, time and propensity
-- Reasons are left out: people type them, and nothing typed leaves the ledger but by the door (casework/notes.py).
with events as (

    select *
    from {{ ref('stg_ledger__case_event') }}
    where
        event_kind in {{ listed(action_kinds()) }}
        and occurred_at <= {{ as_of() }}

),

cases as (

    select * from {{ ref('stg_ledger__case') }}

),

openings as (

    select
        case_id,
        min(occurred_at) as opened_at
    from {{ ref('stg_ledger__case_event') }}
    where event_kind = 'opened'
    group by case_id

)

select
    events.event_id,
    events.case_id,
    events.seq,
    cases.case_kind,
    cases.customer_id,
    events.event_kind as action_kind,
    events.occurred_at,
    events.recorded_at,
    {{ seconds_between('openings.opened_at', 'events.occurred_at') }} as seconds_since_opening,
    events.actor_type,
    events.actor_id,
    {{ json_text('events.payload', 'owner_id') }} as owner_id,
    {{ json_text('events.payload', 'team') }} as team,
    {{ json_text('events.payload', 'to_role') }} as to_role,
    {{ json_number('events.payload', 'level', 'integer') }} as escalation_level,
    {{ json_text('events.payload', 'step') }} as step,
    {{ json_text('events.payload', 'channel') }} as channel,
    {{ json_text('events.payload', 'offer_code') }} as offer_code,
    {{ json_text('events.payload', 'outcome_code') }} as outcome_code,
    {{ json_text('events.payload', 'playbook_code') }} as playbook_code,
    {{ json_number('events.payload', 'propensity') }} as propensity,
    {{ json_part('events.payload', 'arms') }} as arms,
    {{ json_text('events.payload', 'policy') }} as policy,
    {{ json_text('events.payload', 'policy_version') }} as policy_version,
    {{ json_text('events.payload', 'by') }} as chosen_by,
    -- An offer costs when it is issued: one that was asked for, approved or refused has cost nothing.
    case events.event_kind
        when 'step_done' then {{ json_number('events.payload', 'cost_usd', 'decimal(18, 2)') }}
        when 'offer_issued' then {{ json_number('events.payload', 'amount_usd', 'decimal(18, 2)') }}
        when 'resolved' then {{ json_number('events.payload', 'offer_usd', 'decimal(18, 2)') }}
    end as cost_usd,
    case events.event_kind
        when 'step_done' then {{ json_number('events.payload', 'minutes') }}
        when 'contacted' then {{ json_number('events.payload', 'minutes') }}
        when 'resolved' then {{ json_number('events.payload', 'handling_minutes') }}
    end as handling_minutes
from events
inner join cases on events.case_id = cases.case_id
left join openings on events.case_id = openings.case_id
