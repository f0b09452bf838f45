-- one row per complaint published by the CFPB
-- The agency publishes no customer, so there is none here; a date of receipt counts from midnight UTC.
with complaint as (

    select * from {{ ref('stg_cfpb__complaint') }}

)

select
    'complaint' as signal_kind,
    'cfpb' as source,
    'complaint' as entity,
    complaint.complaint_id as source_key,
    cast(null as varchar) as instrument_id,
    cast(complaint.received_on as timestamp) as occurred_at,
    cast(null as varchar) as customer_id,
    lower(complaint.submitted_via) as channel,
    complaint.product,
    cast(null as varchar) as branch_id,
    complaint.state as region,
    cast(null as varchar) as language,
    complaint.company as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['complaint.narrative']) }} as text,
    'customer' as text_author,
    complaint.issue as reason_code,
    cast(null as bigint) as escalation_level,
    cast(null as varchar) as related_type,
    cast(null as varchar) as related_id,
    complaint.company_response,
    complaint.is_timely,
    complaint._batch_id as changed_batch_id,
    complaint._source_file,
    complaint._line,
    complaint._row_hash,
    complaint._batch_id,
    complaint._loaded_at
from complaint
