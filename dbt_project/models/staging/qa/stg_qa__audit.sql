-- one row per quality audit (audit_id): the newest version delivered
{{ config(unique_key=['audit_id']) }}

with arrived as (

    select
        cast(audit_id as varchar) as audit_id,
        cast(ticket_id as varchar) as ticket_id,
        cast(agent_id as varchar) as agent_id,
        cast(auditor_id as varchar) as auditor_id,
        {{ utc('audited_at') }} as audited_at,
        cast(score as double) as score,
        cast(cause_code as varchar) as cause_code,
        cast(comment as varchar) as comment,
        cast(comment_redactions as integer) as comment_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('qa', 'audit') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['audit_id'], version='audited_at') }}
