-- one row per ticket (ticket_id): the newest version delivered
{{ config(unique_key=['ticket_id']) }}

with arrived as (

    select
        cast(id as varchar) as ticket_id,
        cast(requester_id as varchar) as customer_id,
        cast(assignee_id as varchar) as assignee_id,
        cast(group_id as varchar) as group_id,
        cast(external_id as varchar) as external_id,
        cast(branch_id as varchar) as branch_id,
        {{ utc('created_at') }} as created_at,
        {{ utc('updated_at') }} as updated_at,
        cast(status as varchar) as status,
        cast(priority as varchar) as priority,
        cast(via_channel as varchar) as channel,
        cast(type as varchar) as ticket_type,
        cast(tags as varchar) as tags,
        cast(product as varchar) as product,
        cast(region as varchar) as region,
        cast(subject as varchar) as subject,
        cast(subject_redactions as integer) as subject_redactions,
        cast(description as varchar) as description,
        cast(description_redactions as integer) as description_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('zendesk', 'ticket') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['ticket_id'], version='updated_at') }}
