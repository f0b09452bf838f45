-- one row per complaint of the complaint log
with complaint as (

    select * from {{ ref('stg_complaints__complaint') }}

)

select
    'complaint' as signal_kind,
    'complaints' as source,
    'complaint' as entity,
    complaint.complaint_id as source_key,
    cast(null as varchar) as instrument_id,
    complaint.received_at as occurred_at,
    complaint.customer_id,
    complaint.channel,
    complaint.product,
    complaint.branch_id,
    complaint.region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['complaint.description']) }} as text,
    'customer' as text_author,
    complaint.category as reason_code,
    cast(null as bigint) as escalation_level,
    'complaint' as related_type,
    complaint.complaint_id as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    complaint._batch_id as changed_batch_id,
    complaint._source_file,
    complaint._line,
    complaint._row_hash,
    complaint._batch_id,
    complaint._loaded_at
from complaint
