-- one row per customer and period of unchanged attributes (customer_id, valid_from): what the CRM said, and when
{{ config(post_hook="{{ handoff(order_by='customer_id, valid_from') }}") }}

with versions as (

    select * from {{ ref('stg_crm__customer_version') }}

),

-- A customer may be extracted again without a change; such versions prolong the period before them.
compared as (

    select
        *,
        {{ customer_attributes() }} as attributes,
        lag({{ customer_attributes() }}) over (partition by customer_id order by updated_at) as attributes_before
    from versions

),

changes as (

    select *
    from compared
    where attributes_before is null or attributes_before <> attributes

)

select
    md5(concat_ws('|', customer_id, cast(updated_at as varchar))) as customer_version_id,
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
    is_vulnerable,
    updated_at as valid_from,
    lead(updated_at) over (partition by customer_id order by updated_at) as valid_to,
    lead(updated_at) over (partition by customer_id order by updated_at) is null as is_current
from changes
