-- one row per breakdown (breakdown_id): what got worse, where, since when and by how much, with the case it led to
with breakdowns as (

    select * from {{ ref('stg_ml__detection__breakdown') }}

),

opened as (

    select
        subject_id as breakdown_id,
        min(case_id) as case_id
    from {{ ref('fct_trigger') }}
    where subject_type = 'breakdown'
    group by subject_id

)

select
    breakdowns.breakdown_id,
    breakdowns.rule_id,
    breakdowns.rule_hash,
    breakdowns.measure,
    breakdowns.theme_id,
    breakdowns.cause_id,
    breakdowns.segment,
    breakdowns.region,
    breakdowns.state,
    breakdowns.detected_on,
    breakdowns.onset_on,
    breakdowns.onset_low_on,
    breakdowns.onset_high_on,
    breakdowns.until_on,
    breakdowns.over_on,
    breakdowns.unit,
    breakdowns.is_relative,
    breakdowns.n,
    breakdowns.observed,
    breakdowns.expected,
    breakdowns.effect,
    breakdowns.effect_low,
    breakdowns.effect_high,
    breakdowns.mix_part,
    breakdowns.rate_part,
    breakdowns.alarm_n,
    breakdowns.alarm_effect,
    breakdowns.alarm_effect_low,
    breakdowns.alarm_effect_high,
    breakdowns.p_value,
    breakdowns.q_value,
    breakdowns.false_alarms_per_year,
    breakdowns.series_watched,
    breakdowns.related,
    breakdowns.sentence,
    opened.case_id
from breakdowns
left join opened on breakdowns.breakdown_id = opened.breakdown_id
