-- one row per resolution (resolution_id): the newest version delivered
{{ config(unique_key=['resolution_id']) }}

with arrived as (

    select
        cast(resolution_id as varchar) as resolution_id,
        cast(subject_type as varchar) as subject_type,
        cast(subject_id as varchar) as subject_id,
        cast(customer_id as varchar) as customer_id,
        cast(owner_id as varchar) as owner_id,
        cast(triage_severity as bigint) as triage_severity,
        cast(playbook_code as varchar) as playbook_code,
        cast(resolution_code as varchar) as resolution_code,
        cast(outcome as varchar) as outcome,
        cast(offer_usd as decimal(18, 2)) as offer_usd,
        cast(handling_minutes as double) as handling_minutes,
        {{ utc('first_action_at') }} as first_action_at,
        {{ utc('resolved_at') }} as resolved_at,
        {{ utc('customer_informed_at') }} as customer_informed_at,
        {{ utc('updated_at') }} as updated_at,
        cast(note as varchar) as note,
        cast(note_redactions as integer) as note_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('resolutions', 'resolution') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['resolution_id'], version='updated_at') }}
