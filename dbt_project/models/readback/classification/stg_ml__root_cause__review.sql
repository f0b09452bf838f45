-- one row per question a person is asked about a signal (review_id)
select
    cast(review_id as varchar) as review_id,
    cast(signal_id as varchar) as signal_id,
    cast(question as varchar) as question,
    cast(reason as varchar) as reason,
    cast(priority as double) as priority,
    cast(inclusion as double) as inclusion,
    cast(model_value as varchar) as model_value,
    cast(model_confidence as double) as model_confidence,
    cast(model_id as varchar) as model_id
from {{ source('ml', 'ml_root_cause__review') }}
