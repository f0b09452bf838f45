-- one row per signal (signal_id): evidence with its cause, severity and theme, and the customer as known at the time
{{ config(post_hook="{{ handoff(order_by='signal_id') }}") }}

with signals as (

    select * from {{ ref('int_signal') }}

),

labels as (

    select * from {{ ref('int_signal_label') }}

),

predictions as (

    select * from {{ ref('stg_ml__root_cause__prediction') }}

),

topics as (

    select * from {{ ref('stg_ml__root_cause__topic') }}

),

customers as (

    select * from {{ ref('dim_customer') }}

),

causes as (

    select * from {{ ref('stg_programme__cause') }}

),

classified as (

    select
        signals.*,
        labels.coded_cause_id,
        predictions.model_cause_id,
        predictions.model_confidence,
        predictions.cause_set,
        predictions.unsure,
        predictions.is_automatic,
        predictions.model_failure_type,
        predictions.failure_type_confidence,
        -- People before models: a coded cause is never overwritten by a predicted one.
        -- Who read the text and found none of the causes in it is believed, too.
        case
            when coalesce(labels.answered_cause_id, '') != 'none'
                then coalesce(labels.coded_cause_id, predictions.model_cause_id)
        end as cause_id,
        case
            when labels.coded_cause_id is not null then 'code'
            when labels.answered_cause_id = 'none' then null
            when predictions.model_cause_id is not null then 'model'
        end as cause_basis,
        -- What a reviewer said stands above a model, but not below the floor of the rules.
        case
            when labels.labelled_severity is null then predictions.severity
            else cast(least(labels.labelled_severity, coalesce(predictions.severity_floor, 4)) as integer)
        end as severity,
        case
            when
                labels.labelled_severity < coalesce(predictions.severity_floor, 5)
                or (labels.labelled_severity is not null and predictions.severity_reason = 'model')
                then 'review'
            else predictions.severity_reason
        end as severity_reason,
        predictions.severity_floor,
        predictions.severity_model,
        predictions.sentiment,
        predictions.sentiment_confidence,
        predictions.urgency,
        predictions.urgency_reasons,
        coalesce(labels.labelled_kind, predictions.feedback_kind) as feedback_kind,
        case when labels.labelled_kind is null then predictions.feedback_kind_confidence end as feedback_kind_confidence,
        predictions.evidence,
        labels.labelled_theme_id,
        predictions.topic_id,
        predictions.topic_model_id,
        predictions.model_id
    from signals
    left join labels on signals.signal_id = labels.signal_id
    -- A prediction made for an earlier wording of the text is stale: better none than one about other words.
    left join predictions
        on
            signals.signal_id = predictions.signal_id
            and signals.text_hash is not distinct from predictions.text_hash

)

select
    classified.signal_id,
    classified.signal_kind,
    classified.source,
    classified.entity,
    classified.source_key,
    classified.instrument_id,
    classified.occurred_at,
    classified.customer_id,
    classified.channel,
    classified.product,
    coalesce(classified.branch_id, customers.branch_id) as branch_id,
    coalesce(classified.region, customers.region) as region,
    coalesce(classified.language, customers.language) as language,
    classified.organisation,
    classified.score_metric,
    classified.score_value,
    classified.score_min,
    classified.score_max,
    classified.score_normalised,
    classified.text,
    classified.text_author,
    classified.text_hash,
    classified.reason_code,
    classified.escalation_level,
    classified.related_type,
    classified.related_id,
    classified.company_response,
    classified.is_timely,
    classified.coded_cause_id,
    classified.model_cause_id,
    classified.model_confidence,
    classified.cause_set,
    classified.unsure,
    classified.is_automatic,
    classified.model_failure_type,
    classified.failure_type_confidence,
    classified.cause_id,
    classified.cause_basis,
    classified.severity,
    classified.severity_reason,
    classified.severity_floor,
    classified.severity_model,
    classified.sentiment,
    classified.sentiment_confidence,
    classified.urgency,
    classified.urgency_reasons,
    classified.feedback_kind,
    classified.feedback_kind_confidence,
    classified.evidence,
    classified.topic_id,
    coalesce(classified.labelled_theme_id, topics.theme_id) as theme_id,
    causes.journey,
    causes.failure_type,
    customers.segment,
    customers.tier,
    customers.annual_value_usd,
    classified.model_id,
    classified._source_file,
    classified._line,
    classified._row_hash,
    classified._batch_id,
    classified._loaded_at
from classified
-- Topic numbers mean something within one topic model only.
left join topics
    on
        classified.topic_id = topics.topic_id
        and classified.topic_model_id is not distinct from topics.topic_model_id
left join causes on classified.cause_id = causes.cause_id
left join customers
    on
        classified.customer_id = customers.customer_id
        and classified.occurred_at >= customers.valid_from
        and (customers.valid_to is null or classified.occurred_at < customers.valid_to)
