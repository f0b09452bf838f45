-- one row per survey, kind of survey and month (instrument_id, score_metric, survey_type, month_start): scores as counts
with surveys as (

    select * from {{ ref('stg_programme__survey') }}

),

answers as (

    select
        coalesce(signals.instrument_id, 'none') as instrument_id,
        signals.score_metric,
        -- An answer about a ticket or a complaint is about that; without one it is about the relationship.
        case when signals.related_id is null then 'relational' else 'transactional' end as survey_type,
        {{ month_of('signals.occurred_at') }} as month_start,
        signals.score_value,
        signals.score_min,
        signals.score_max,
        coalesce(surveys.direction, 'up') as direction,
        -- Off its scale, or NPS asked on another than 0 to 10: an answer nobody can place.
        signals.score_normalised is not null
        and (signals.score_metric <> 'nps' or (signals.score_min = 0 and signals.score_max = 10)) as is_valid,
        signals.customer_id,
        signals.occurred_at,
        signals.signal_id
    from {{ ref('int_signal') }} as signals
    left join surveys on signals.instrument_id = surveys.survey_id
    where
        signals.signal_kind = 'survey_response'
        and signals.score_metric in ('nps', 'csat', 'ces')
        and signals.score_value is not null
        and signals.occurred_at <= {{ as_of() }}

),

placed as (

    select
        *,
        -- One person one vote, the last of the month. Of NPS only: satisfaction and effort are asked once per matter.
        score_metric = 'nps'
        and customer_id is not null
        and row_number() over (
            partition by instrument_id, score_metric, survey_type, month_start, is_valid, customer_id
            order by occurred_at desc, signal_id asc
        ) > 1 as is_replaced,
        -- The two best of five or more points, on the answer's own scale; effort as the second version asks it and no other.
        case
            when score_metric = 'csat' and score_max - score_min >= 4 and direction = 'up' then score_value >= score_max - 1
            when score_metric = 'csat' and score_max - score_min >= 4 then score_value <= score_min + 1
            when score_metric = 'ces' and score_min = 1 and score_max = 7 and direction = 'up' then score_value >= 5
        end as is_positive
    from answers

),

counted as (

    select
        instrument_id,
        score_metric,
        survey_type,
        month_start,
        any_value(score_min) as score_min,
        any_value(score_max) as score_max,
        any_value(direction) as direction,
        count(*) as answers,
        count(case when is_valid and not is_replaced then 1 end) as counted,
        count(case when is_valid and is_replaced then 1 end) as excluded,
        count(case when not is_valid then 1 end) as missing,
        count(case when is_valid and not is_replaced and score_metric = 'nps' and score_value >= 9 then 1 end) as promoters,
        count(case when is_valid and not is_replaced and score_metric = 'nps' and score_value <= 6 then 1 end) as detractors,
        count(case when is_valid and not is_replaced and is_positive then 1 end) as positives,
        count(case when is_valid and not is_replaced and is_positive is not null then 1 end) as with_box,
        sum(case when is_valid and not is_replaced then score_value end) as score_sum,
        sum(case when is_valid and not is_replaced then score_value * score_value end) as square_sum
    from placed
    group by instrument_id, score_metric, survey_type, month_start

)

select
    instrument_id,
    score_metric,
    survey_type,
    month_start,
    score_min,
    score_max,
    direction,
    answers,
    counted,
    excluded,
    missing,
    case when score_metric = 'nps' then promoters end as promoters,
    case when score_metric = 'nps' then counted - promoters - detractors end as passives,
    case when score_metric = 'nps' then detractors end as detractors,
    case when with_box > 0 then positives end as positives,
    case when score_metric = 'nps' then cast(100 as double) * (promoters - detractors) / nullif(counted, 0) end as nps,
    case when score_metric = 'nps' then {{ nps_error('promoters', 'detractors', 'counted') }} end as nps_standard_error,
    {% for name, side in {'low': -1, 'high': 1}.items() -%}
    case
        when score_metric = 'nps' and counted > 0 then {{ nps_bound('promoters', 'detractors', 'counted', side) }}
    end as nps_{{ name }},
    {% endfor -%}
    cast(positives as double) / nullif(with_box, 0) as positive_share,
    {{ wilson_bound('positives', 'nullif(with_box, 0)', -1) }} as positive_share_low,
    {{ wilson_bound('positives', 'nullif(with_box, 0)', 1) }} as positive_share_high,
    score_sum,
    square_sum,
    score_sum / nullif(counted, 0) as score_mean,
    case
        when counted > 1
            then sqrt(greatest(square_sum - score_sum * score_sum / counted, 0) / (counted - 1) / counted)
    end as score_mean_standard_error,
    {{ as_of() }} as as_of
from counted
