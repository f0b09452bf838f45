-- one row per quality audit
with audit as (

    select * from {{ ref('stg_qa__audit') }}

),

ticket as (

    select * from {{ ref('stg_zendesk__ticket') }}

)

select
    'qa_audit' as signal_kind,
    'qa' as source,
    'audit' as entity,
    audit.audit_id as source_key,
    cast(null as varchar) as instrument_id,
    audit.audited_at as occurred_at,
    ticket.customer_id,
    ticket.channel,
    ticket.product,
    ticket.branch_id,
    ticket.region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    case when audit.score is not null then 'qa' end as score_metric,
    audit.score as score_value,
    case when audit.score is not null then 0.0 end as score_min,
    case when audit.score is not null then 100.0 end as score_max,
    {{ normalised_score('audit.score', '0.0', '100.0', "'up'") }} as score_normalised,
    {{ joined_text(['audit.comment']) }} as text,
    case when audit.comment is not null then 'agent' end as text_author,
    audit.cause_code as reason_code,
    cast(null as bigint) as escalation_level,
    'ticket' as related_type,
    audit.ticket_id as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    greatest(audit._batch_id, coalesce(ticket._batch_id, -1)) as changed_batch_id,
    audit._source_file,
    audit._line,
    audit._row_hash,
    audit._batch_id,
    audit._loaded_at
from audit
left join ticket on audit.ticket_id = ticket.ticket_id
