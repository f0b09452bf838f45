-- one row per attempt at recovery (attempt_id): who was treated how, what was known before it, what came after
-- Covariates are as known strictly before the anchor (first_action_at). The reason code, outcome and note of a resolution are
-- written after the decision and are never among them. What is unknown stays null: it is not a failure.
{{ config(post_hook="{{ handoff(order_by='attempt_id') }}") }}

with attempts as (

    select
        *,
        {{ plus_days('anchored_at', outcome_horizon_days()) }} as horizon_at
    from {{ ref('int_attempt') }}

),

-- What a model read in the words of the contact; a prediction made for an earlier wording is about other words.
words as (

    select
        signals.signal_id,
        signals.channel,
        signals.region,
        signals.language,
        coalesce(predictions.model_cause_id, labels.reported_cause_id) as cause_id,
        predictions.severity,
        predictions.sentiment
    from {{ ref('int_signal') }} as signals
    left join {{ ref('int_signal_label') }} as labels on signals.signal_id = labels.signal_id
    left join {{ ref('stg_ml__root_cause__prediction') }} as predictions
        on
            signals.signal_id = predictions.signal_id
            and signals.text_hash is not distinct from predictions.text_hash

),

-- The first extract may come after the decision: then the earliest thing we know stands in, and says so.
versions as (

    select
        *,
        lag(valid_from) over (partition by customer_id order by valid_from) is null as is_earliest
    from {{ ref('dim_customer') }}

),

customers as (

    select * from {{ ref('int_customer') }}

),

joined as (

    select
        attempts.*,
        words.channel,
        words.cause_id,
        words.severity as classified_severity,
        words.sentiment,
        coalesce(versions.region, words.region) as region,
        coalesce(versions.language, words.language) as language,
        versions.segment,
        versions.tier,
        versions.annual_value_usd,
        versions.is_vulnerable,
        versions.joined_on,
        coalesce(versions.valid_from <= attempts.anchored_at, false) as is_customer_known_before,
        customers.customer_id is not null as is_customer_known,
        customers.churned_on
    from attempts
    left join words on attempts.signal_id = words.signal_id
    left join versions
        on
            attempts.customer_id = versions.customer_id
            and (versions.valid_from <= attempts.anchored_at or versions.is_earliest)
            and (versions.valid_to is null or attempts.anchored_at < versions.valid_to)
    left join customers on attempts.customer_id = customers.customer_id

),

costed as (

    select
        joined.*,
        causes.failure_type,
        causes.journey,
        past.priority_severity,
        past.prior_signals_90d,
        past.prior_attempts_90d,
        money.days_observed_before,
        money.orders_before_28d,
        money.margin_before_28d_usd,
        money.margin_placebo_usd,
        money.revenue_90d_usd,
        money.margin_90d_usd,
        answers.is_asked,
        answers.has_answered,
        answers.post_nps,
        answers.post_csat,
        returns.is_recontacted,
        returns.is_confirmed,
        cast(joined.handling_minutes * {{ handling_usd_per_minute() }} as decimal(18, 2)) as effort_cost_usd
    from joined
    left join {{ ref('stg_programme__cause') }} as causes on joined.cause_id = causes.cause_id
    left join {{ ref('int_attempt_past') }} as past on joined.attempt_id = past.attempt_id
    left join {{ ref('int_attempt_money') }} as money on joined.attempt_id = money.attempt_id
    left join {{ ref('int_attempt_answer') }} as answers on joined.attempt_id = answers.attempt_id
    left join {{ ref('int_attempt_return') }} as returns on joined.attempt_id = returns.attempt_id

)

select
    attempt_id,
    resolution_id,
    signal_id,
    case_id,
    customer_id,
    owner_id,
    subject_type,
    playbook_code,
    occurred_at,
    anchored_at as first_action_at,
    resolved_at,
    cast(coalesce(triage_severity, priority_severity, classified_severity) as integer) as severity,
    case
        when triage_severity is not null then 'triage'
        when priority_severity is not null then 'priority'
        when classified_severity is not null then 'classified'
    end as severity_basis,
    cause_id,
    failure_type,
    journey,
    segment,
    tier,
    region,
    language,
    channel,
    annual_value_usd,
    is_vulnerable,
    is_customer_known_before,
    {{ elapsed_seconds('occurred_at', 'anchored_at') }} / 3600 as wait_hours,
    -- Null where the customer joined after the decision: a number below zero would be read as a tenure.
    case when joined_on <= cast(anchored_at as date) then {{ days_between('joined_on', 'cast(anchored_at as date)') }} end
        as tenure_days,
    sentiment,
    prior_signals_90d,
    prior_attempts_90d,
    days_observed_before,
    orders_before_28d,
    margin_before_28d_usd,
    margin_placebo_usd,
    {{ is_recovered('post_nps', 'post_csat', 'is_confirmed', 'is_recontacted') }} as is_recovered,
    as_of >= {{ plus_days('resolved_at', response_window_days()) }} as is_outcome_mature,
    -- Known whether or not anybody answers: who comes back is known of the silent, too.
    is_recontacted,
    is_asked,
    has_answered,
    post_nps,
    -- Gone is known at once; still there is known only when the horizon has passed.
    case
        when not is_customer_known then null
        when churned_on <= cast(least(horizon_at, as_of) as date) then false
        when as_of >= horizon_at then true
    end as is_retained_90d,
    case
        when churned_on <= cast(least(horizon_at, as_of) as date)
            then greatest(0, {{ days_between('cast(anchored_at as date)', 'churned_on') }})
    end as days_to_churn,
    cast(least({{ outcome_horizon_days() }}, floor({{ seconds_between('anchored_at', 'as_of') }} / 86400)) as integer)
        as days_observed_after,
    as_of >= horizon_at as is_mature_90d,
    revenue_90d_usd,
    margin_90d_usd,
    offer_usd,
    handling_minutes,
    effort_cost_usd,
    cast(margin_90d_usd - offer_usd - effort_cost_usd as decimal(18, 2)) as net_margin_90d_usd,
    as_of
from costed
