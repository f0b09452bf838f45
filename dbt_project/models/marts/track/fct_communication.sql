-- one row per communication with a customer about a case up to as_of (event_id): which way, by what channel, by whom, what for
-- Words of a customer that came in by a source (complaints, tickets, answers) are signals: fct_signal and int_interaction.
with events as (

    select
        *,
        {{ json_text('payload', 'channel') }} as channel,
        {{ json_text('payload', 'purpose') }} as purpose,
        {{ json_text('payload', 'template') }} as template,
        {{ json_text('payload', 'message_id') }} as message_id
    from {{ ref('stg_ledger__case_event') }}
    where
        event_kind in {{ listed(communication_kinds()) }}
        and occurred_at <= {{ as_of() }}

),

cases as (

    select * from {{ ref('stg_ledger__case') }}

),

sent as (

    select distinct
        case_id,
        message_id
    from events
    where event_kind = 'message_sent' and message_id is not null

),

-- Messages that somebody said were the word to the customer about the outcome.
told as (

    select distinct
        case_id,
        message_id
    from events
    where event_kind = 'customer_informed' and message_id is not null

)

select
    events.event_id,
    events.case_id,
    cases.case_kind,
    cases.customer_id,
    events.event_kind as communication_kind,
    case when events.event_kind = 'customer_replied' then 'inbound' else 'outbound' end as direction,
    events.occurred_at,
    events.channel,
    -- Whoever records a reply, its author is the customer.
    case when events.event_kind = 'customer_replied' then 'customer' else events.actor_type end as author_type,
    case when events.event_kind = 'customer_replied' then cases.customer_id else events.actor_id end as author_id,
    events.purpose,
    events.template,
    events.message_id,
    events.event_kind = 'customer_informed' or told.message_id is not null as is_outcome_told
from events
inner join cases on events.case_id = cases.case_id
left join sent
    on
        events.event_kind = 'customer_informed'
        and events.case_id = sent.case_id
        and events.message_id = sent.message_id
left join told
    on
        events.event_kind = 'message_sent'
        and events.case_id = told.case_id
        and events.message_id = told.message_id
where
    -- Telling the customer by a message that was sent is one communication, not two.
    sent.message_id is null
    and events.purpose is distinct from '{{ internal_purpose() }}'
