-- one row per theme (theme_id), those without a topic now included
with topics as (

    select
        theme_id,
        theme_name,
        keywords,
        topic_model_id
    from {{ ref('stg_ml__root_cause__topic') }}
    where theme_id is not null
    {{ keep_first(partition_by=['theme_id'], order_by=['signals desc nulls last', 'topic_id']) }}

),

events as (

    select * from {{ ref('stg_ml__root_cause__theme_event') }}

),

-- A candidate stays one, met again or not, until a person or its own growth decides.
decided as (

    select
        theme_id,
        event_kind
    from events
    where event_kind in ('candidate', 'confirmed', 'rejected', 'merged', 'retired')
    {{ keep_first(
        partition_by=['theme_id'],
        order_by=['occurred_at desc nulls last', "case when event_kind = 'candidate' then 1 else 0 end", 'event_id']
    ) }}

),

ended as (

    select
        theme_id,
        event_kind
    from events
    where event_kind in ('merged', 'retired', 'rejected', 'returned', 'kept')
    {{ keep_first(
        partition_by=['theme_id'],
        order_by=['occurred_at desc nulls last', "case when event_kind in ('returned', 'kept') then 1 else 0 end", 'event_id']
    ) }}

),

themes as (

    select theme_id from topics
    union
    select theme_id from events
    where theme_id is not null

),

signals as (

    select
        theme_id,
        cause_id,
        occurred_at
    from {{ ref('fct_signal') }}
    where theme_id is not null

),

counted as (

    select
        theme_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as signals
    from signals
    group by theme_id

),

total as (

    select count(*) as signals
    from signals

),

causes as (

    select
        theme_id,
        cause_id,
        count(*) as signals
    from signals
    where cause_id is not null
    group by theme_id, cause_id

),

top_cause as (

    select
        theme_id,
        cause_id,
        signals
    from causes
    {{ keep_first(partition_by=['theme_id'], order_by=['signals desc', 'cause_id']) }}

)

select
    themes.theme_id,
    topics.theme_name,
    topics.keywords,
    case
        when decided.event_kind = 'candidate' then 'candidate'
        when topics.theme_id is not null then 'active'
        when ended.event_kind in ('merged', 'retired', 'rejected') then ended.event_kind
        else 'resting'
    end as state,
    counted.first_seen_at,
    counted.last_seen_at,
    cast(coalesce(counted.signals, 0) as bigint) as signals,
    cast(coalesce(counted.signals, 0) / nullif(total.signals, 0) as double) as share,
    top_cause.cause_id as top_cause_id,
    cast(top_cause.signals / nullif(counted.signals, 0) as double) as top_cause_share,
    topics.topic_model_id
from themes
cross join total
left join topics on themes.theme_id = topics.theme_id
left join decided on themes.theme_id = decided.theme_id
left join ended on themes.theme_id = ended.theme_id
left join counted on themes.theme_id = counted.theme_id
left join top_cause on themes.theme_id = top_cause.theme_id
