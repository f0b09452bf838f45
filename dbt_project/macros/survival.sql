{#- Times of which some have not ended yet. A group is a set of columns; `observations` is a CTE with them, `seconds` and
    `is_event` (false: still waiting at `seconds`, or stopped being watched then). The second implementation, for published
    tables, of what tests hold against statsmodels. Waiting must not say anything about how long it will last: where cases are
    given up on, that is only nearly so. -#}

{#- Kaplan and Meier's estimate (JASA 1958) at every time of a group: at risk, events, survival, Greenwood's sum and the 95 %
    bounds on the log(-log) scale, which stay between 0 and 1. Where nobody is left survival is 0 and has no upper bound. -#}
{% macro survival_steps(observations, by) -%}
    {%- set keys = by | join(', ') -%}
    {%- set so_far = 'over (partition by ' ~ keys ~ ' order by seconds rows between unbounded preceding and current row)' -%}
    select
        *,
        case
            when survival = 0 then 0
            when survival < 1 then pow(survival, exp({{ z95() }} * sqrt(greenwood) / abs(ln(survival))))
            else 1
        end as survival_low,
        case
            when survival = 0 then null
            when survival < 1 then pow(survival, exp(-{{ z95() }} * sqrt(greenwood) / abs(ln(survival))))
            else 1
        end as survival_high
    from (
        select
            *,
            case
                when max(case when events = at_risk then 1 else 0 end) {{ so_far }} = 1 then 0
                else exp(sum(case when events < at_risk then ln(1 - events / at_risk) else 0 end) {{ so_far }})
            end as survival,
            sum(case when events < at_risk then events / (at_risk * (at_risk - events)) else 0 end) {{ so_far }} as greenwood
        from (
            select
                {{ keys }},
                seconds,
                events,
                cast(sum(leaving) over (
                    partition by {{ keys }} order by seconds desc rows between unbounded preceding and current row
                ) as double) as at_risk
            from (
                select
                    {{ keys }},
                    cast(seconds as double) as seconds,
                    count(*) as leaving,
                    cast(count(case when is_event then 1 end) as double) as events
                from {{ observations }}
                where seconds is not null
                group by {{ keys }}, seconds
            ) as leavings
        ) as risks
    ) as curve
{%- endmacro %}

{#- Normal quantile of a 95 % interval. -#}
{% macro z95() -%} 1.959963984540054 {%- endmacro %}

{#- The first time at which at most this share is left, of a column with survival; the margin swallows what exp and ln lose. -#}
{% macro time_left(share, survival='survival') -%}
min(case when {{ survival }} <= {{ share }} + 1e-9 then seconds end)
{%- endmacro %}

{#- Mean up to a horizon (restricted mean, Royston and Parmar 2013) with its variance, per group. `steps` is a CTE of
    survival_steps with `horizon_seconds`. The area under the curve is known up to the last time anybody was watched, or
    everywhere once nobody is left. -#}
{% macro restricted_means(steps, by) -%}
    {%- set keys = by | join(', ') -%}
    select
        {{ keys }},
        any_value(horizon_seconds) as horizon_seconds,
        least(min(seconds), any_value(horizon_seconds)) + sum(area) as rmst,
        sum(
            case
                when events < at_risk and seconds < horizon_seconds
                    then area_after * area_after * events / (at_risk * (at_risk - events))
                else 0
            end
        ) as variance
    from (
        select
            *,
            sum(area) over (
                partition by {{ keys }} order by seconds desc rows between unbounded preceding and current row
            ) as area_after
        from (
            select
                *,
                survival * (
                    least(
                        coalesce(lead(seconds) over (partition by {{ keys }} order by seconds), horizon_seconds),
                        horizon_seconds
                    ) - least(seconds, horizon_seconds)
                ) as area
            from {{ steps }}
        ) as areas
    ) as sums
    group by {{ keys }}
{%- endmacro %}
