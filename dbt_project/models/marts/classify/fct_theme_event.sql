-- one row per change of a theme (event_id), oldest first for who reads a theme's history
select
    event_id,
    theme_id,
    event_kind,
    occurred_at,
    topic_model_id,
    decided_by,
    related_theme_ids,
    share,
    sentence
from {{ ref('stg_ml__root_cause__theme_event') }}
order by theme_id, occurred_at nulls first, event_id
