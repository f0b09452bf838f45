-- one row per city service request
-- The only free text is what staff wrote on closing, hence the author.
with request as (

    select * from {{ ref('stg_city311__request') }}

)

select
    'service_request' as signal_kind,
    'city311' as source,
    'request' as entity,
    request.request_id as source_key,
    cast(null as varchar) as instrument_id,
    request.opened_at as occurred_at,
    cast(null as varchar) as customer_id,
    lower(request.channel) as channel,
    request.request_type as product,
    cast(null as varchar) as branch_id,
    request.neighbourhood as region,
    cast(null as varchar) as language,
    request.queue as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['request.closure_reason']) }} as text,
    'agent' as text_author,
    request.reason as reason_code,
    cast(null as bigint) as escalation_level,
    cast(null as varchar) as related_type,
    cast(null as varchar) as related_id,
    cast(null as varchar) as company_response,
    {{ request_is_timely('request') }} as is_timely,
    request._batch_id as changed_batch_id,
    request._source_file,
    request._line,
    request._row_hash,
    request._batch_id,
    request._loaded_at
from request
