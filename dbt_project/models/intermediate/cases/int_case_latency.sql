-- one row per case that a signal opened (case_id): how long the signal took to arrive, and the case to follow
with openings as (

    select
        events.case_id,
        events.recorded_at,
        triggers.signal_id,
        triggers.occurred_at as triggered_at,
        case when {{ json_text('triggers.lineage', 'lane') }} = 'fast' then 'fast' else 'batch' end as lane,
        coalesce({{ json_text('triggers.lineage', 'source') }}, 'unknown') as source,
        {{ json_number('triggers.lineage', 'batch_id', 'bigint') }} as batch_id,
        events.actor_type = 'system' as is_automatic,
        coalesce({{ json_text('events.payload', 'outreach_suppressed') }}, 'false') = 'true' as is_historic
    from {{ ref('stg_ledger__case_event') }} as events
    inner join {{ ref('stg_ledger__case_trigger') }} as triggers
        on {{ json_text('events.payload', 'trigger_id') }} = triggers.trigger_id
    where
        events.event_kind = 'opened'
        and events.occurred_at <= {{ as_of() }}
        and triggers.signal_id is not null

),

untimed as (

    -- The sender did not say when it happened: the moment of receipt stands in for it, and a lag of nothing would be false.
    select 'feedback' as source, sender || ':' || source_key as source_key
    from {{ ref('stg_feedback__item') }}
    where is_time_stated is false

),

signals as (

    select
        signals.signal_id,
        signals.occurred_at,
        untimed.source_key is null as is_time_known
    from {{ ref('fct_signal') }} as signals
    left join untimed on signals.source = untimed.source and signals.source_key = untimed.source_key

),

placed as (

    select
        openings.*,
        case when coalesce(signals.is_time_known, true) then coalesce(signals.occurred_at, openings.triggered_at) end
            as occurred_at,
        deliveries.arrived_at,
        -- A rule that waits for what fails to come fires later than its signal, and by design.
        coalesce(openings.triggered_at > signals.occurred_at, false) as is_waited_for
    from openings
    left join signals on openings.signal_id = signals.signal_id
    left join {{ ref('stg_intake__delivery') }} as deliveries on openings.batch_id = deliveries.batch_id

)

select
    case_id,
    signal_id,
    lane,
    source,
    occurred_at,
    arrived_at,
    recorded_at,
    case
        when is_historic then 'historic'
        when not is_automatic then 'opened_by_hand'
        when is_waited_for then 'rule_waits'
    end as excluded_because,
    {{ elapsed_seconds('occurred_at', 'arrived_at') }} as arrival_seconds,
    {{ elapsed_seconds('arrived_at', 'recorded_at') }} as platform_seconds,
    {{ elapsed_seconds('occurred_at', 'arrived_at') }} + {{ elapsed_seconds('arrived_at', 'recorded_at') }} as total_seconds
from placed
