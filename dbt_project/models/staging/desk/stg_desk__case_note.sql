-- one row per text a person typed on a case (note_id): the newest version delivered
{{ config(unique_key=['note_id']) }}

with arrived as (

    select
        cast(note_id as varchar) as note_id,
        cast(event_id as bigint) as event_id,
        cast(event_hash as varchar) as event_hash,
        cast(event_kind as varchar) as event_kind,
        cast(text_key as varchar) as text_key,
        cast(case_id as varchar) as case_id,
        cast(case_kind as varchar) as case_kind,
        cast(customer_id as varchar) as customer_id,
        cast(region as varchar) as region,
        cast(author_id as varchar) as author_id,
        cast(channel as varchar) as channel,
        {{ utc('written_at') }} as written_at,
        cast(body as varchar) as body,
        cast(body_redactions as integer) as body_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('desk', 'case_note') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['note_id'], version='written_at') }}
