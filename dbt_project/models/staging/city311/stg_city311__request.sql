-- one row per service request (request_id): the last delivery wins, the source has no version column
{{ config(unique_key=['request_id']) }}

with arrived as (

    select
        cast(case_enquiry_id as varchar) as request_id,
        {{ utc('open_dt') }} as opened_at,
        {{ utc('target_dt') }} as target_at,
        {{ utc('closed_dt') }} as closed_at,
        cast(on_time as varchar) as on_time_status,
        cast(case_status as varchar) as status,
        cast(closure_reason as varchar) as closure_reason,
        cast(closure_reason_redactions as integer) as closure_reason_redactions,
        cast(case_title as varchar) as title,
        cast(subject as varchar) as subject,
        cast(reason as varchar) as reason,
        cast(type as varchar) as request_type,
        cast(queue as varchar) as queue,
        cast(department as varchar) as department,
        cast(neighborhood as varchar) as neighbourhood,
        cast(source as varchar) as channel,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('city311', 'request') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['request_id'], version=none) }}
