-- one row per change to the business (change_id): the newest version delivered
{{ config(unique_key=['change_id']) }}

with arrived as (

    select
        cast(change_id as varchar) as change_id,
        cast(kind as varchar) as kind,
        cast(title as varchar) as title,
        cast(product as varchar) as product,
        cast(region as varchar) as region,
        {{ utc('started_at') }} as started_at,
        {{ utc('ended_at') }} as ended_at,
        {{ utc('updated_at') }} as updated_at,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('changes', 'change_log') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['change_id'], version='updated_at') }}
