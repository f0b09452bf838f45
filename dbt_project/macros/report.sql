{#- One metric of agg_recovery_week: cases counted into the four parts of an honest ratio, by the week of their anchor.
    Every case of the base falls into exactly one of: decided (denominator, of which numerator), not old enough (excluded),
    old enough and still unknown (missing). -#}
{% macro weekly_ratio(metric, anchor, anchored_at, verdict, mature, window_days, base) -%}
select
    '{{ metric }}' as metric,
    '{{ anchor }}' as anchor,
    cast({{ window_days }} as integer) as window_days,
    {{ week_of(anchored_at) }} as week_start,
    count(case when {{ mature }} and {{ verdict }} then 1 end) as numerator,
    count(case when {{ mature }} and ({{ verdict }}) is not null then 1 end) as denominator,
    count(case when not ({{ mature }}) then 1 end) as excluded,
    count(case when {{ mature }} and ({{ verdict }}) is null then 1 end) as missing,
    max(as_of) as as_of
from cases
where {{ anchored_at }} is not null and {{ base }}
group by {{ week_of(anchored_at) }}
{%- endmacro %}

{#- The metrics of agg_recovery_week: name, anchor date, verdict, and when a case is old enough to be judged. -#}
{% macro weekly_metrics() -%}
    {%- set recovery = "case_kind = 'recovery' and state not in ('merged', 'invalid')" -%}
    {%- set timed = "case_kind <> 'excellence' and state not in ('merged', 'invalid')" -%}
    {%- set metrics = [
        {'metric': 'recovery_rate', 'anchor': 'closed', 'anchored_at': 'closed_at', 'verdict': 'is_recovered',
         'mature': 'is_outcome_mature', 'window_days': response_window_days(), 'base': recovery},
        {'metric': 'reopen_rate_30d', 'anchor': 'first_resolved', 'anchored_at': 'first_resolved_at',
         'verdict': 'has_reopened_30d', 'mature': 'is_reopen_30d_mature', 'window_days': reopen_window_days(), 'base': timed},
        {'metric': 'retention_rate_90d', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_retained_90d',
         'mature': 'is_retention_90d_mature', 'window_days': outcome_horizon_days(), 'base': recovery},
        {'metric': 'sla_first_action', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_first_action_in_time',
         'mature': 'is_first_action_decided', 'window_days': 'null', 'base': timed},
        {'metric': 'sla_resolve', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_resolved_in_time',
         'mature': 'is_resolve_decided', 'window_days': 'null', 'base': timed},
    ] -%}
    {%- for days in recontact_windows() -%}
        {%- for cause in ['same', 'any'] -%}
            {%- do metrics.append({
                'metric': 'recontact_rate_' ~ cause ~ '_cause_' ~ days ~ 'd', 'anchor': 'resolved',
                'anchored_at': 'resolved_at', 'verdict': 'has_' ~ cause ~ '_cause_recontact_' ~ days ~ 'd',
                'mature': 'is_recontact_' ~ days ~ 'd_mature', 'window_days': days, 'base': recovery
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(metrics) }}
{%- endmacro %}
