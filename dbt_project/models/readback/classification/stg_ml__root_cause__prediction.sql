-- one row per classified signal (signal_id), as the model in force handed it back
select
    cast(signal_id as varchar) as signal_id,
    cast(text_hash as varchar) as text_hash,
    cast(model_cause_id as varchar) as model_cause_id,
    cast(model_confidence as double) as model_confidence,
    cast(severity as integer) as severity,
    cast(severity_reason as varchar) as severity_reason,
    cast(topic_id as bigint) as topic_id,
    cast(model_id as varchar) as model_id,
    cast(topic_model_id as varchar) as topic_model_id
from {{ source('ml', 'ml_root_cause__prediction') }}
