{#- One metric of agg_recovery_week: rows of `counted` (a CTE) put into the four parts of an honest ratio, by the week of their
    anchor. Every row of the base falls into exactly one of: decided (denominator, of which numerator), not old enough
    (excluded), old enough and still unknown (missing). With an `amount` the numerator is its sum over what was decided: a
    count per row, not a share of rows. -#}
{% macro weekly_ratio(metric, anchor, anchored_at, verdict, mature, window_days, base, counted='cases', amount=none) -%}
select
    '{{ metric }}' as metric,
    '{{ counted }}' as counted,
    '{{ anchor }}' as anchor,
    cast({{ window_days }} as integer) as window_days,
    {{ week_of(anchored_at) }} as week_start,
    {% if amount -%}
    cast(coalesce(sum(case when {{ mature }} and ({{ verdict }}) is not null then {{ amount }} end), 0) as bigint) as numerator,
    {% else -%}
    count(case when {{ mature }} and {{ verdict }} then 1 end) as numerator,
    {% endif -%}
    count(case when {{ mature }} and ({{ verdict }}) is not null then 1 end) as denominator,
    count(case when ({{ mature }}) is not true then 1 end) as excluded,
    count(case when {{ mature }} and ({{ verdict }}) is null then 1 end) as missing,
    max(as_of) as as_of
from {{ counted }}
where {{ anchored_at }} is not null and {{ base }}
group by {{ week_of(anchored_at) }}
{%- endmacro %}

{#- The metrics of agg_recovery_week: name, anchor date, verdict, and when a row is old enough to be judged. docs/metrics.md is
    the same list in words; a test holds the two together. -#}
{% macro weekly_metrics() -%}
    {%- set recovery = "case_kind = 'recovery' and state not in ('merged', 'invalid')" -%}
    {%- set timed = "case_kind <> 'excellence' and state not in ('merged', 'invalid')" -%}
    {%- set told = recovery ~ " and customer_id is not null" -%}
    {%- set metrics = [
        {'metric': 'recovery_rate', 'anchor': 'closed', 'anchored_at': 'closed_at', 'verdict': 'is_recovered',
         'mature': 'is_outcome_mature', 'window_days': response_window_days(), 'base': recovery},
        {'metric': 'reopen_rate_30d', 'anchor': 'first_resolved', 'anchored_at': 'first_resolved_at',
         'verdict': 'has_reopened_30d', 'mature': 'is_reopen_30d_mature', 'window_days': reopen_window_days(), 'base': timed},
        {'metric': 'reopen_rate_anyhow_30d', 'anchor': 'first_resolved', 'anchored_at': 'first_resolved_at',
         'verdict': 'has_reopened_anyhow_30d', 'mature': 'is_reopen_30d_mature', 'window_days': reopen_window_days(),
         'base': timed},
        {'metric': 'reopenings_per_case_30d', 'anchor': 'first_resolved', 'anchored_at': 'first_resolved_at',
         'verdict': 'has_reopened_30d', 'mature': 'is_reopen_30d_mature', 'window_days': reopen_window_days(), 'base': timed,
         'amount': 'reopenings_30d'},
        {'metric': 'retention_rate_90d', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_retained_90d',
         'mature': 'is_retention_90d_mature', 'window_days': outcome_horizon_days(), 'base': recovery},
        {'metric': 'recurrence_rate_90d', 'anchor': 'closed', 'anchored_at': 'closed_at', 'verdict': 'has_recurred_90d',
         'mature': 'is_recurrence_90d_mature', 'window_days': recurrence_window_days(), 'base': recovery},
        {'metric': 'escalation_rate', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_escalated',
         'mature': 'true', 'window_days': 'null', 'base': timed},
        {'metric': 'escalation_rate_30d', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'has_escalation_30d',
         'mature': 'is_escalation_30d_mature', 'window_days': escalation_window_days(), 'base': timed},
        {'metric': 'inform_rate', 'anchor': 'resolved', 'anchored_at': 'resolved_at', 'verdict': 'informed_at is not null',
         'mature': 'true', 'window_days': 'null', 'base': told},
        {'metric': 'sla_first_action', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_first_action_in_time',
         'mature': 'is_first_action_decided', 'window_days': 'null', 'base': timed},
        {'metric': 'sla_resolve', 'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'is_resolved_in_time',
         'mature': 'is_resolve_decided', 'window_days': 'null', 'base': timed},
    ] -%}
    {%- for kind in escalation_types() -%}
        {%- do metrics.append({
            'metric': 'escalation_rate_' ~ kind ~ '_30d', 'anchor': 'opened', 'anchored_at': 'opened_at',
            'verdict': 'has_' ~ kind ~ '_escalation_30d', 'mature': 'is_escalation_30d_mature',
            'window_days': escalation_window_days(), 'base': timed
        }) -%}
    {%- endfor -%}
    {%- for name, days in loop_windows().items() -%}
        {%- for step, base in {'contact': told, 'informed': told, 'resolved': timed}.items() -%}
            {%- do metrics.append({
                'metric': {'contact': 'contact', 'informed': 'inform', 'resolved': 'resolve'}[step] ~ '_rate_' ~ name,
                'anchor': 'opened', 'anchored_at': 'opened_at', 'verdict': 'has_' ~ step ~ '_' ~ name,
                'mature': 'is_loop_' ~ name ~ '_mature', 'window_days': days, 'base': base
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for days in recontact_windows() -%}
        {%- for cause in ['same', 'any'] -%}
            {%- do metrics.append({
                'metric': 'recontact_rate_' ~ cause ~ '_cause_' ~ days ~ 'd', 'anchor': 'resolved',
                'anchored_at': 'resolved_at', 'verdict': 'has_' ~ cause ~ '_cause_recontact_' ~ days ~ 'd',
                'mature': 'is_recontact_' ~ days ~ 'd_mature', 'window_days': days, 'base': recovery
            }) -%}
        {%- endfor -%}
        {%- do metrics.append({
            'metric': 'first_contact_resolution_rate_' ~ days ~ 'd', 'counted': 'issues', 'anchor': 'first_contact',
            'anchored_at': 'occurred_at', 'verdict': 'is_first_contact_resolved_' ~ days ~ 'd',
            'mature': 'is_fcr_' ~ days ~ 'd_mature', 'window_days': days,
            'base': 'is_issue_start_' ~ days ~ 'd is not false'
        }) -%}
    {%- endfor -%}
    {%- for days in save_windows() -%}
        {%- do metrics.append({
            'metric': 'save_rate_' ~ days ~ 'd', 'anchor': 'first_action', 'anchored_at': 'save_attempt_at',
            'verdict': 'is_saved_' ~ days ~ 'd', 'mature': 'is_save_' ~ days ~ 'd_mature', 'window_days': days,
            'base': recovery
        }) -%}
    {%- endfor -%}
    {{ return(metrics) }}
{%- endmacro %}

{#- The times of a case: whose wait, from when, until when, and until when it is watched when that has not come. -#}
{% macro case_times() -%}
    {{ return([
        {'metric': 'first_action', 'party': 'team', 'starts_at': 'opened_at', 'ends_at': 'acted_at',
         'watched_until_at': 'coalesce(ended_at, as_of)'},
        {'metric': 'first_action_customer', 'party': 'customer', 'starts_at': 'heard_at', 'ends_at': 'acted_at',
         'watched_until_at': 'coalesce(ended_at, as_of)'},
        {'metric': 'resolve_first', 'party': 'team', 'starts_at': 'opened_at', 'ends_at': 'first_settled_at',
         'watched_until_at': 'given_up_at'},
        {'metric': 'resolve_full', 'party': 'team', 'starts_at': 'opened_at', 'ends_at': 'settled_at',
         'watched_until_at': 'given_up_at'},
        {'metric': 'complaint_to_resolution', 'party': 'customer', 'starts_at': 'heard_at', 'ends_at': 'settled_at',
         'watched_until_at': 'given_up_at'},
        {'metric': 'close', 'party': 'customer', 'starts_at': 'opened_at', 'ends_at': 'closed_at',
         'watched_until_at': 'given_up_at'},
    ]) }}
{%- endmacro %}

{#- How far a mean of times looks, in seconds: 30 days of the wall clock, 20 working days of eight hours. -#}
{% macro time_horizon(clock) -%}
case {{ clock }} when 'wall' then 2592000.0 else 576000.0 end
{%- endmacro %}

{#- Stages of the loop after hearing, each part of the one before. -#}
{% macro loop_stages() -%}
    {{ return(['triaged', 'acted', 'informed', 'verified', 'cause_linked', 'fixed']) }}
{%- endmacro %}

{#- Percentiles of some lags over the cases that count, as columns `<lag>_p<percent>_seconds`. Nearest rank: a lag that some
    case really had. -#}
{% macro lag_percentiles(lags, percents) -%}
    {%- for lag in lags -%}
        {%- set last_lag = loop.last -%}
        {%- for percent in percents -%}
            percentile_disc(0.{{ percent }}) within group (
                order by case when not is_excluded then {{ lag }}_seconds end
            ) as {{ lag }}_p{{ percent }}_seconds{{ '' if loop.last and last_lag else ', ' }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
