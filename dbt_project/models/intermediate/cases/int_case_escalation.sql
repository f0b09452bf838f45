-- one row per case and escalation up to as_of (case_id, escalation_key): who asked for it, and to which level
with events as (

    select
        event_id,
        case_id,
        occurred_at,
        actor_type,
        {{ json_text('payload', 'kind') }} as kind,
        {{ json_number('payload', 'level', 'integer') }} as escalation_level
    from {{ ref('stg_ledger__case_event') }}
    where event_kind = 'escalated' and occurred_at <= {{ as_of() }}

),

cases as (

    select
        case_id,
        opened_at,
        coalesce(ended_at, as_of) as watched_until_at
    from {{ ref('fct_case') }}

),

sourced as (

    select
        escalation_id,
        {{ signal_key("'escalations'", "'escalation'", 'escalation_id') }} as signal_id,
        case
            when ticket_id is not null then {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }}
            when complaint_id is not null then {{ signal_key("'complaints'", "'complaint'", 'complaint_id') }}
        end as matter_signal_id,
        escalated_at,
        reason_code,
        raised_by,
        escalation_level
    from {{ ref('stg_escalations__escalation') }}
    where escalated_at <= {{ as_of() }}

),

triggers as (

    select distinct
        case_id,
        signal_id
    from {{ ref('stg_ledger__case_trigger') }}
    where signal_id is not null

),

-- An escalation that opened or joined the case, or one of the ticket or complaint of the case while it was open.
reached as (

    select
        triggers.case_id,
        sourced.escalation_id
    from sourced
    inner join triggers on sourced.signal_id = triggers.signal_id
    union
    select
        triggers.case_id,
        sourced.escalation_id
    from sourced
    inner join triggers on sourced.matter_signal_id = triggers.signal_id
    inner join cases on triggers.case_id = cases.case_id
    where sourced.escalated_at >= cases.opened_at and sourced.escalated_at <= cases.watched_until_at

)

select
    case_id,
    'ledger:' || event_id as escalation_key,
    occurred_at as escalated_at,
    case
        when kind = 'sla' or (kind is null and actor_type = 'system') then 'automatic'
        when kind in ('customer', 'regulator') then kind
        else 'manual'
    end as escalation_type,
    escalation_level
from events
union all
select
    reached.case_id,
    'source:' || sourced.escalation_id as escalation_key,
    sourced.escalated_at,
    case
        when sourced.reason_code = 'regulator' then 'regulator'
        when sourced.raised_by = 'customer' then 'customer'
        when sourced.raised_by = 'system' then 'automatic'
        else 'manual'
    end as escalation_type,
    cast(sourced.escalation_level as integer) as escalation_level
from reached
inner join sourced on reached.escalation_id = sourced.escalation_id
