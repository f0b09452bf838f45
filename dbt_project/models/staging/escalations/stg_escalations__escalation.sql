-- one row per escalation (escalation_id): the newest version delivered
{{ config(unique_key=['escalation_id']) }}

with arrived as (

    select
        cast(escalation_id as varchar) as escalation_id,
        cast(ticket_id as varchar) as ticket_id,
        cast(complaint_id as varchar) as complaint_id,
        cast(customer_id as varchar) as customer_id,
        {{ utc('escalated_at') }} as escalated_at,
        cast(level as bigint) as escalation_level,
        cast(reason_code as varchar) as reason_code,
        cast(raised_by as varchar) as raised_by,
        cast(note as varchar) as note,
        cast(note_redactions as integer) as note_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('escalations', 'escalation') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['escalation_id'], version='escalated_at') }}
