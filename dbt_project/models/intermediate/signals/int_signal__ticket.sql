-- one row per Zendesk ticket
with ticket as (

    select * from {{ ref('stg_zendesk__ticket') }}

)

select
    'ticket' as signal_kind,
    'zendesk' as source,
    'ticket' as entity,
    ticket.ticket_id as source_key,
    cast(null as varchar) as instrument_id,
    ticket.created_at as occurred_at,
    ticket.customer_id,
    ticket.channel,
    ticket.product,
    ticket.branch_id,
    ticket.region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['ticket.subject', 'ticket.description']) }} as text,
    'customer' as text_author,
    cast(null as varchar) as reason_code,
    cast(null as bigint) as escalation_level,
    'ticket' as related_type,
    ticket.ticket_id as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    ticket._batch_id as changed_batch_id,
    ticket._source_file,
    ticket._line,
    ticket._row_hash,
    ticket._batch_id,
    ticket._loaded_at
from ticket
