-- one row per topic of the topic model (topic_id), with the theme it is registered under
select
    cast(topic_id as bigint) as topic_id,
    cast(theme_id as varchar) as theme_id,
    cast(name as varchar) as theme_name,
    cast(keywords as varchar) as keywords,
    cast(signals as bigint) as signals,
    cast(topic_model_id as varchar) as topic_model_id
from {{ source('ml', 'ml_root_cause__topic') }}
