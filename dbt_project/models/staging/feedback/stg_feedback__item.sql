-- one row per item of feedback sent to the case desk (sender, source_key): the newest version sent
{{ config(unique_key=['sender', 'source_key']) }}

with arrived as (

    select
        cast(sender as varchar) as sender,
        cast(source_key as varchar) as source_key,
        cast(receipt_id as varchar) as receipt_id,
        {{ utc('received_at') }} as received_at,
        {{ utc('occurred_at') }} as occurred_at,
        cast(is_time_stated as boolean) as is_time_stated,
        cast(kind as varchar) as kind,
        cast(customer_id as varchar) as customer_id,
        cast(channel as varchar) as channel,
        cast(survey_id as varchar) as survey_id,
        cast(metric as varchar) as metric,
        cast(score as double) as score,
        cast(text as varchar) as text,
        cast(text_redactions as integer) as text_redactions,
        cast(language as varchar) as language,
        cast(product as varchar) as product,
        cast(branch_id as varchar) as branch_id,
        cast(region as varchar) as region,
        cast(reason_code as varchar) as reason_code,
        cast(related_type as varchar) as related_type,
        cast(related_id as varchar) as related_id,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('feedback', 'item') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['sender', 'source_key'], version='received_at') }}
