-- one row per Salesforce case
with salesforce_case as (

    select * from {{ ref('stg_salesforce__case') }}

)

select
    'ticket' as signal_kind,
    'salesforce' as source,
    'case' as entity,
    salesforce_case.salesforce_case_id as source_key,
    cast(null as varchar) as instrument_id,
    salesforce_case.created_at as occurred_at,
    coalesce(salesforce_case.contact_id, salesforce_case.account_id) as customer_id,
    lower(salesforce_case.origin) as channel,
    salesforce_case.product,
    cast(null as varchar) as branch_id,
    salesforce_case.region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['salesforce_case.subject', 'salesforce_case.description']) }} as text,
    'customer' as text_author,
    salesforce_case.reason as reason_code,
    cast(null as bigint) as escalation_level,
    cast(null as varchar) as related_type,
    cast(null as varchar) as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    salesforce_case._batch_id as changed_batch_id,
    salesforce_case._source_file,
    salesforce_case._line,
    salesforce_case._row_hash,
    salesforce_case._batch_id,
    salesforce_case._loaded_at
from salesforce_case
