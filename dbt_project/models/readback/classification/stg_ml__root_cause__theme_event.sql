-- one row per change of a theme (event_id): born, split, merged, retired, renamed and the like
select
    cast(events.event_id as varchar) as event_id,
    cast(events.theme_id as varchar) as theme_id,
    cast(events.kind as varchar) as event_kind,
    cast(events.topic_model_id as varchar) as topic_model_id,
    {{ utc('events.at') }} as occurred_at,
    cast(events.by as varchar) as decided_by,
    cast(events.related as varchar) as related_theme_ids,
    cast(events.share as double) as share,
    cast(events.sentence as varchar) as sentence
from {{ source('ml', 'ml_root_cause__theme_event') }} as events
