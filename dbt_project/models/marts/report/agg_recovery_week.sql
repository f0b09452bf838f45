-- one row per metric and week of the anchor date (metric, week_start): the parts of each rate, never the rate itself
with cases as (

    select
        outcomes.*,
        states.state,
        states.first_resolved_at,
        states.informed_at,
        states.is_first_action_in_time,
        states.is_resolved_in_time,
        -- A running clock is not old enough to be judged; a case without a target never will be, and counts as missing.
        states.first_action_target_seconds is null or states.is_first_action_in_time is not null as is_first_action_decided,
        states.resolve_target_seconds is null or states.is_resolved_in_time is not null as is_resolve_decided
    from {{ ref('fct_case_outcome') }} as outcomes
    inner join {{ ref('fct_case') }} as states on outcomes.case_id = states.case_id

),

issues as (

    select * from {{ ref('int_issue') }}

),

metrics as (
    {% for item in weekly_metrics() -%}
    {{ weekly_ratio(**item) }}
    {% if not loop.last -%} union all {% endif -%}
    {%- endfor %}
)

select
    metric,
    counted,
    anchor,
    window_days,
    week_start,
    numerator,
    denominator,
    excluded,
    missing,
    as_of
from metrics
