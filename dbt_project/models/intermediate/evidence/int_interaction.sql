-- one row per contact a customer made (interaction_id): complaints, tickets, public comments, escalations they raised
with complaints as (

    select
        'complaints' as source,
        'complaint' as kind,
        complaint_id as source_key,
        customer_id,
        received_at as occurred_at,
        channel,
        {{ signal_key("'complaints'", "'complaint'", 'complaint_id') }} as signal_id,
        {{ signal_key("'complaints'", "'complaint'", 'complaint_id') }} as matter_signal_id,
        false as is_thanks_only
    from {{ ref('stg_complaints__complaint') }}

),

tickets as (

    select
        'zendesk' as source,
        'ticket' as kind,
        ticket_id as source_key,
        customer_id,
        created_at as occurred_at,
        channel,
        {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }} as signal_id,
        {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }} as matter_signal_id,
        -- An answer to our mail often comes as a new ticket.
        coalesce({{ is_thanks_only('description') }}, false) as is_thanks_only
    from {{ ref('stg_zendesk__ticket') }}

),

comments as (

    select
        'zendesk' as source,
        'comment' as kind,
        comments.comment_id as source_key,
        coalesce(tickets.customer_id, comments.user_id) as customer_id,
        comments.created_at as occurred_at,
        tickets.channel,
        cast(null as varchar) as signal_id,
        {{ signal_key("'zendesk'", "'ticket'", 'comments.ticket_id') }} as matter_signal_id,
        coalesce({{ is_thanks_only('comments.body') }}, false) as is_thanks_only
    from {{ ref('stg_zendesk__ticket_comment') }} as comments
    left join tickets on comments.ticket_id = tickets.source_key
    -- The first message of a ticket is exported twice, as its description and as a comment of the same moment.
    where
        comments.author_role = 'customer'
        and comments.is_public
        and (tickets.occurred_at is null or comments.created_at <> tickets.occurred_at)

),

escalations as (

    select
        'escalations' as source,
        'escalation' as kind,
        escalations.escalation_id as source_key,
        coalesce(escalations.customer_id, tickets.customer_id, complaints.customer_id) as customer_id,
        escalations.escalated_at as occurred_at,
        coalesce(tickets.channel, complaints.channel) as channel,
        {{ signal_key("'escalations'", "'escalation'", 'escalations.escalation_id') }} as signal_id,
        coalesce(
            tickets.signal_id,
            complaints.signal_id,
            {{ signal_key("'escalations'", "'escalation'", 'escalations.escalation_id') }}
        ) as matter_signal_id,
        false as is_thanks_only
    from {{ ref('stg_escalations__escalation') }} as escalations
    left join tickets on escalations.ticket_id = tickets.source_key
    left join complaints on escalations.complaint_id = complaints.source_key
    where escalations.raised_by = 'customer'

),

cases as (

    select
        'salesforce' as source,
        'case' as kind,
        salesforce_case_id as source_key,
        coalesce(contact_id, account_id) as customer_id,
        created_at as occurred_at,
        lower(origin) as channel,
        {{ signal_key("'salesforce'", "'case'", 'salesforce_case_id') }} as signal_id,
        {{ signal_key("'salesforce'", "'case'", 'salesforce_case_id') }} as matter_signal_id,
        false as is_thanks_only
    from {{ ref('stg_salesforce__case') }}

),

-- Complaints taken down elsewhere and sent to us one by one.
items as (

    select
        'feedback' as source,
        'complaint' as kind,
        sender || ':' || source_key as source_key,
        customer_id,
        occurred_at,
        channel,
        {{ signal_key("'feedback'", "'item'", "sender || ':' || source_key") }} as signal_id,
        case related_type
            when 'ticket' then {{ signal_key("'zendesk'", "'ticket'", 'related_id') }}
            when 'complaint' then {{ signal_key("'complaints'", "'complaint'", 'related_id') }}
            else {{ signal_key("'feedback'", "'item'", "sender || ':' || source_key") }}
        end as matter_signal_id,
        false as is_thanks_only
    from {{ ref('stg_feedback__item') }}
    where kind = 'complaint'

),

interactions as (

    select * from complaints
    union all
    select * from tickets
    union all
    select * from comments
    union all
    select * from escalations
    union all
    select * from cases
    union all
    select * from items

)

select
    md5(concat_ws('|', source, kind, source_key)) as interaction_id,
    source,
    kind,
    source_key,
    customer_id,
    occurred_at,
    channel,
    signal_id,
    matter_signal_id,
    is_thanks_only
from interactions
where customer_id is not null
