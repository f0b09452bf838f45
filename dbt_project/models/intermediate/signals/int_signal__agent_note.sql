-- one row per internal note an agent wrote on a ticket
-- What the customer wrote in a comment is not a signal of its own: it belongs to the ticket and is counted in int_interaction.
-- The ticket may arrive after the note, hence changed_batch_id.
with note as (

    select * from {{ ref('stg_zendesk__ticket_comment') }}

),

ticket as (

    select * from {{ ref('stg_zendesk__ticket') }}

)

select
    'agent_note' as signal_kind,
    'zendesk' as source,
    'ticket_comment' as entity,
    note.comment_id as source_key,
    cast(null as varchar) as instrument_id,
    note.created_at as occurred_at,
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
    {{ joined_text(['note.body']) }} as text,
    'agent' as text_author,
    cast(null as varchar) as reason_code,
    cast(null as bigint) as escalation_level,
    'ticket' as related_type,
    note.ticket_id as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    greatest(note._batch_id, coalesce(ticket._batch_id, -1)) as changed_batch_id,
    note._source_file,
    note._line,
    note._row_hash,
    note._batch_id,
    note._loaded_at
from note
left join ticket on note.ticket_id = ticket.ticket_id
where {{ is_agent_note('note') }}
