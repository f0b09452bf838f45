-- one row per Salesforce case (salesforce_case_id): the newest version delivered
{{ config(unique_key=['salesforce_case_id']) }}

with arrived as (

    select
        cast(id as varchar) as salesforce_case_id,
        cast(case_number as varchar) as case_number,
        cast(account_id as varchar) as account_id,
        cast(contact_id as varchar) as contact_id,
        cast(owner_id as varchar) as owner_id,
        cast(origin as varchar) as origin,
        cast(reason as varchar) as reason,
        cast(type as varchar) as case_type,
        cast(status as varchar) as status,
        cast(priority as varchar) as priority,
        cast(is_escalated as boolean) as is_escalated,
        cast(is_closed as boolean) as is_closed,
        {{ utc('created_date') }} as created_at,
        {{ utc('closed_date') }} as closed_at,
        {{ utc('last_modified_date') }} as last_modified_at,
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
    from {{ source('salesforce', 'case') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['salesforce_case_id'], version='last_modified_at') }}
