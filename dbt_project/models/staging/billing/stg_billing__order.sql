-- one row per order (order_id): the newest version delivered
{{ config(unique_key=['order_id']) }}

with arrived as (

    select
        cast(order_id as varchar) as order_id,
        cast(customer_id as varchar) as customer_id,
        {{ utc('ordered_at') }} as ordered_at,
        {{ utc('updated_at') }} as updated_at,
        cast(product as varchar) as product,
        cast(amount_usd as decimal(18, 2)) as amount_usd,
        cast(margin_usd as decimal(18, 2)) as margin_usd,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('billing', 'order') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['order_id'], version='updated_at') }}
