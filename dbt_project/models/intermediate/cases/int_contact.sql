-- one row per contact a customer made up to as_of (contact_id): with its cause, notes of thanks left out
with contacts as (

    select *
    from {{ ref('int_interaction') }}
    where not is_thanks_only and occurred_at <= {{ as_of() }}

),

signals as (

    select
        signal_id,
        cause_id
    from {{ ref('fct_signal') }}

)

select
    contacts.interaction_id as contact_id,
    contacts.kind as contact_kind,
    contacts.customer_id,
    contacts.occurred_at,
    contacts.channel,
    contacts.signal_id,
    contacts.matter_signal_id,
    -- What a comment or an escalation is about is what its ticket or complaint is about.
    coalesce(own.cause_id, matters.cause_id) as cause_id,
    {{ as_of() }} as as_of
from contacts
left join signals as own on contacts.signal_id = own.signal_id
left join signals as matters on contacts.matter_signal_id = matters.signal_id
