-- one row per survey invitation (invitation_id): the newest version delivered
{{ config(unique_key=['invitation_id']) }}

with arrived as (

    select
        cast(invitation_id as varchar) as invitation_id,
        cast(survey_id as varchar) as survey_id,
        cast(customer_id as varchar) as customer_id,
        cast(related_id as varchar) as related_id,
        {{ utc('sent_at') }} as sent_at,
        {{ utc('updated_at') }} as updated_at,
        cast(channel as varchar) as channel,
        cast(status as varchar) as status,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('qualtrics', 'invitation') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['invitation_id'], version='updated_at') }}
