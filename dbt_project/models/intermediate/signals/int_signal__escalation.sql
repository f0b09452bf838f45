-- one row per escalation
with escalation as (

    select * from {{ ref('stg_escalations__escalation') }}

),

ticket as (

    select * from {{ ref('stg_zendesk__ticket') }}

),

complaint as (

    select * from {{ ref('stg_complaints__complaint') }}

)

select
    'escalation' as signal_kind,
    'escalations' as source,
    'escalation' as entity,
    escalation.escalation_id as source_key,
    cast(null as varchar) as instrument_id,
    escalation.escalated_at as occurred_at,
    coalesce(escalation.customer_id, ticket.customer_id, complaint.customer_id) as customer_id,
    coalesce(ticket.channel, complaint.channel) as channel,
    coalesce(ticket.product, complaint.product) as product,
    coalesce(ticket.branch_id, complaint.branch_id) as branch_id,
    coalesce(ticket.region, complaint.region) as region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['escalation.note']) }} as text,
    case
        when escalation.note is not null and escalation.raised_by in ('customer', 'agent') then escalation.raised_by
    end as text_author,
    escalation.reason_code,
    escalation.escalation_level,
    case
        when escalation.ticket_id is not null then 'ticket'
        when escalation.complaint_id is not null then 'complaint'
    end as related_type,
    coalesce(escalation.ticket_id, escalation.complaint_id) as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    greatest(escalation._batch_id, coalesce(ticket._batch_id, -1), coalesce(complaint._batch_id, -1)) as changed_batch_id,
    escalation._source_file,
    escalation._line,
    escalation._row_hash,
    escalation._batch_id,
    escalation._loaded_at
from escalation
left join ticket on escalation.ticket_id = ticket.ticket_id
left join complaint on escalation.complaint_id = complaint.complaint_id
