-- one row per CFPB complaint (complaint_id): the last delivery wins, the source has no version column
{{ config(unique_key=['complaint_id']) }}

with arrived as (

    select
        cast(complaint_id as varchar) as complaint_id,
        cast(date_received as date) as received_on,
        cast(date_sent_to_company as date) as sent_to_company_on,
        cast(product as varchar) as product,
        cast(sub_product as varchar) as sub_product,
        cast(issue as varchar) as issue,
        cast(sub_issue as varchar) as sub_issue,
        cast(consumer_complaint_narrative as varchar) as narrative,
        cast(consumer_complaint_narrative_redactions as integer) as narrative_redactions,
        cast(company_public_response as varchar) as company_public_response,
        cast(company as varchar) as company,
        cast(state as varchar) as state,
        cast(zip_code as varchar) as zip_code,
        cast(tags as varchar) as tags,
        cast(consumer_consent_provided as varchar) as consent_provided,
        cast(submitted_via as varchar) as submitted_via,
        cast(company_response_to_consumer as varchar) as company_response,
        cast(timely_response as boolean) as is_timely,
        cast(consumer_disputed as boolean) as is_disputed,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('cfpb', 'complaint') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['complaint_id'], version=none) }}
