-- one row per complaint (complaint_id): the newest version delivered
{{ config(unique_key=['complaint_id']) }}

with arrived as (

    select
        cast(complaint_id as varchar) as complaint_id,
        cast(customer_id as varchar) as customer_id,
        cast(branch_id as varchar) as branch_id,
        {{ utc('received_at') }} as received_at,
        {{ utc('closed_at') }} as closed_at,
        {{ utc('updated_at') }} as updated_at,
        cast(channel as varchar) as channel,
        cast(product as varchar) as product,
        cast(region as varchar) as region,
        cast(category as varchar) as category,
        cast(status as varchar) as status,
        cast(description as varchar) as description,
        cast(description_redactions as integer) as description_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('complaints', 'complaint') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['complaint_id'], version='updated_at') }}
