-- one row per customer (customer_id): the newest version delivered
{{ config(unique_key=['customer_id']) }}

with arrived as (

    select
        cast(customer_id as varchar) as customer_id,
        cast(branch_id as varchar) as branch_id,
        cast(segment as varchar) as segment,
        cast(tier as varchar) as tier,
        cast(annual_value_usd as decimal(18, 2)) as annual_value_usd,
        cast(region as varchar) as region,
        cast(language as varchar) as language,
        cast(status as varchar) as status,
        cast(joined_on as date) as joined_on,
        cast(churned_on as date) as churned_on,
        cast(consent_email as boolean) as has_consent_email,
        cast(consent_sms as boolean) as has_consent_sms,
        cast(consent_phone as boolean) as has_consent_phone,
        cast(is_vulnerable as boolean) as is_vulnerable,
        cast(email_key as varchar) as email_key,
        cast(phone_key as varchar) as phone_key,
        {{ utc('updated_at') }} as updated_at,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('crm', 'customer') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['customer_id'], version='updated_at') }}
