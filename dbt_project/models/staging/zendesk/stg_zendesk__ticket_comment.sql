-- one row per comment on a ticket (comment_id): the newest version delivered
{{ config(unique_key=['comment_id']) }}

with arrived as (

    select
        cast(id as varchar) as comment_id,
        cast(ticket_id as varchar) as ticket_id,
        cast(user_id as varchar) as user_id,
        {{ utc('created') }} as created_at,
        cast(author_role as varchar) as author_role,
        cast(public as boolean) as is_public,
        cast(body as varchar) as body,
        cast(body_redactions as integer) as body_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('zendesk', 'ticket_comment') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['comment_id'], version='created_at') }}
