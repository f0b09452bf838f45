-- one row per change of a theme (event_id): born, split, merged, retired, renamed and the like
select
    cast(event_id as varchar) as event_id,
    cast(theme_id as varchar) as theme_id,
    cast(kind as varchar) as event_kind,
    cast(topic_model_id as varchar) as topic_model_id,
    {{ utc('"at"') }} as occurred_at,
    cast("by" as varchar) as decided_by,
    cast(related as varchar) as related_theme_ids,
    cast(share as double) as share,
    cast(sentence as varchar) as sentence
from {{ source('ml', 'ml_root_cause__theme_event') }}
