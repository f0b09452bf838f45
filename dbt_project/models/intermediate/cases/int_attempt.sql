-- one row per resolution of a known customer up to as_of (attempt_id): one decision about a contact, with the instant it was taken
-- The instant is the first action, or the resolution where no action was noted: a decision to do nothing has none.
with resolutions as (

    select
        *,
        coalesce(first_action_at, resolved_at) as anchored_at
    from {{ ref('int_resolution') }}
    where resolved_at <= {{ as_of() }}

),

signals as (

    select * from {{ ref('fct_signal') }}

),

applied as (

    select
        resolution_id,
        case_id
    from {{ ref('fct_case_event') }}
    where event_kind = 'resolved' and resolution_id is not null
    {{ keep_first(partition_by=['resolution_id'], order_by=['occurred_at', 'event_id']) }}

),

opened as (

    select
        signal_id,
        case_id
    from {{ ref('stg_ledger__case_trigger') }}
    where case_id is not null
    {{ keep_first(partition_by=['signal_id'], order_by=['occurred_at', 'trigger_id']) }}

)

select
    resolutions.resolution_id as attempt_id,
    resolutions.resolution_id,
    resolutions.signal_id,
    coalesce(applied.case_id, opened.case_id) as case_id,
    applied.case_id is not null as is_applied_to_case,
    coalesce(resolutions.customer_id, signals.customer_id) as customer_id,
    resolutions.owner_id,
    resolutions.subject_type,
    resolutions.subject_id,
    resolutions.playbook_code,
    resolutions.offer_usd,
    resolutions.handling_minutes,
    resolutions.triage_severity,
    signals.occurred_at,
    resolutions.anchored_at,
    resolutions.resolved_at,
    {{ as_of() }} as as_of
from resolutions
left join signals on resolutions.signal_id = signals.signal_id
left join applied on resolutions.resolution_id = applied.resolution_id
left join opened on resolutions.signal_id = opened.signal_id
-- Without a customer nothing can be known of what came after.
where coalesce(resolutions.customer_id, signals.customer_id) is not null
