-- one row per customer (customer_id): pseudonymous attributes as known now
with customers as (

    select * from {{ ref('stg_crm__customer') }}

)

select
    customer_id,
    branch_id,
    segment,
    tier,
    annual_value_usd,
    region,
    language,
    status,
    joined_on,
    churned_on,
    has_consent_email,
    has_consent_sms,
    has_consent_phone,
    email_key is not null as has_email,
    phone_key is not null as has_phone,
    is_vulnerable,
    updated_at,
    _batch_id,
    _loaded_at
from customers
