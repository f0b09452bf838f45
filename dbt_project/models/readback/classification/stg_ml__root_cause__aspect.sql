-- one row per one aspect of a text (aspect_id): a stretch of a text with several issues, and the cause it speaks of
select
    cast(aspect_id as varchar) as aspect_id,
    cast(signal_id as varchar) as signal_id,
    cast(aspect_no as bigint) as aspect_no,
    cast(begin_char as bigint) as begin_char,
    cast(end_char as bigint) as end_char,
    cast(cause_id as varchar) as cause_id,
    cast(confidence as double) as confidence,
    cast(sentiment as double) as sentiment
from {{ source('ml', 'ml_root_cause__aspect') }}
