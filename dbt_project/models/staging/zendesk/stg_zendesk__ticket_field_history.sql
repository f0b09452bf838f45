-- one row per change of one ticket field (ticket_id, field_name, updated_at): the newest version delivered
{{ config(unique_key=['ticket_id', 'field_name', 'updated_at']) }}

with arrived as (

    select
        cast(ticket_id as varchar) as ticket_id,
        cast(field_name as varchar) as field_name,
        {{ utc('updated') }} as updated_at,
        cast(user_id as varchar) as user_id,
        cast(value as varchar) as value,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('zendesk', 'ticket_field_history') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['ticket_id', 'field_name', 'updated_at'], version='updated_at') }}
