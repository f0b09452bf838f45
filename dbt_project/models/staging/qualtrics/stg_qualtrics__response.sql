-- one row per survey response (response_id): the newest version delivered
{{ config(unique_key=['response_id']) }}

with arrived as (

    select
        cast(response_id as varchar) as response_id,
        cast(survey_id as varchar) as survey_id,
        cast(invitation_id as varchar) as invitation_id,
        cast(external_reference as varchar) as customer_id,
        cast(related_id as varchar) as related_id,
        {{ utc('start_date') }} as started_at,
        {{ utc('end_date') }} as ended_at,
        {{ utc('recorded_date') }} as recorded_at,
        cast(status as varchar) as status,
        cast(progress as bigint) as progress_percent,
        cast(duration_in_seconds as bigint) as duration_seconds,
        cast(finished as boolean) as is_finished,
        cast(distribution_channel as varchar) as channel,
        cast(user_language as varchar) as language,
        cast(q1 as double) as score,
        cast(q1_nps_group as varchar) as nps_group,
        cast(q2 as varchar) as comment,
        cast(q2_redactions as integer) as comment_redactions,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('qualtrics', 'response') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['response_id'], version='recorded_at') }}
