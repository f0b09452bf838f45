-- one row per public review (review_id): the newest version delivered
{{ config(unique_key=['review_id']) }}

with arrived as (

    select
        cast(review_id as varchar) as review_id,
        {{ utc('posted_at') }} as posted_at,
        cast(site as varchar) as site,
        cast(rating as double) as rating,
        cast(product as varchar) as product,
        cast(language as varchar) as language,
        cast(title as varchar) as title,
        cast(title_redactions as integer) as title_redactions,
        cast(body as varchar) as body,
        cast(body_redactions as integer) as body_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('reviews', 'review') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['review_id'], version='posted_at') }}
