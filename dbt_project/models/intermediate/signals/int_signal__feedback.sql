-- one row per item of feedback sent to the case desk
-- A number is a sender's own, so the sender is part of the key. The scale is that of the survey in the programme; without a
-- survey the usual one of the metric.
with item as (

    select
        *,
        {{ usual_scale('metric', 'lowest') }} as usual_min,
        {{ usual_scale('metric', 'highest') }} as usual_max
    from {{ ref('stg_feedback__item') }}

),

survey as (

    select * from {{ ref('stg_programme__survey') }}

),

scaled as (

    select
        item.*,
        case when item.survey_id is null then item.metric else survey.metric end as scale_metric,
        case when item.survey_id is null then item.usual_min else survey.score_min end as scale_min,
        case when item.survey_id is null then item.usual_max else survey.score_max end as scale_max,
        case when item.survey_id is null then 'up' else survey.direction end as scale_direction
    from item
    left join survey on item.survey_id = survey.survey_id

)

select
    kind as signal_kind,
    'feedback' as source,
    'item' as entity,
    sender || ':' || source_key as source_key,
    survey_id as instrument_id,
    occurred_at,
    customer_id,
    channel,
    product,
    branch_id,
    region,
    lower(language) as language,
    cast(null as varchar) as organisation,
    case when score is not null then scale_metric end as score_metric,
    score as score_value,
    case when score is not null then scale_min end as score_min,
    case when score is not null then scale_max end as score_max,
    {{ normalised_score('score', 'scale_min', 'scale_max', 'scale_direction') }} as score_normalised,
    {{ joined_text(['text']) }} as text,
    case when kind = 'agent_note' then 'agent' else 'customer' end as text_author,
    reason_code,
    cast(null as bigint) as escalation_level,
    related_type,
    related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    _batch_id as changed_batch_id,
    _source_file,
    _line,
    _row_hash,
    _batch_id,
    _loaded_at
from scaled
