{#- Business time by prefix sums: the second implementation of models/business_time.py, held equal to it by tests. A moment is
    looked up in the one stretch of its calendar's UTC day in which it lies, so a span costs two look-ups however long it is:
    no row per minute, day or week of a span. Moments outside the programme's horizon give null. -#}

{#- Left join of the stretch in which a moment lies. `stretches` is int_business_stretch or a table of that shape. -#}
{% macro join_stretch(alias, calendar, moment, stretches) -%}
left join {{ stretches }} as {{ alias }}
    on
        {{ calendar }} = {{ alias }}.calendar_code
        and cast({{ moment }} as date) = {{ alias }}.day_on
        and {{ moment }} >= {{ alias }}.starts_at
        and {{ moment }} < {{ alias }}.ends_at
{%- endmacro %}

{#- Seconds from one whole second to another: both moments are cut, so that parts of a span add up. -#}
{% macro whole_seconds(start, finish) -%}
    {{ return(adapter.dispatch('whole_seconds', 'amends')(start, finish)) }}
{%- endmacro %}

{% macro default__whole_seconds(start, finish) -%}
    date_diff('second', {{ start }}, {{ finish }})
{%- endmacro %}

{#- Whole business seconds from the horizon's start up to a moment, given the stretch in which it lies. -#}
{% macro open_seconds_up_to(alias, moment) -%}
    {{ alias }}.passed_seconds + {{ alias }}.is_counted * {{ whole_seconds(alias ~ '.starts_at', moment) }}
{%- endmacro %}

{#- Business seconds between two moments, given the stretches of both: B(a, b) = B(b) - B(a). -#}
{% macro business_seconds(start_alias, start, end_alias, finish) -%}
    ({{ open_seconds_up_to(end_alias, finish) }}) - ({{ open_seconds_up_to(start_alias, start) }})
{%- endmacro %}

{#- Left join of the interval in which a sum of business seconds is reached: the last one before which less had passed. -#}
{% macro join_reach(alias, calendar, wanted, intervals) -%}
    {{ return(adapter.dispatch('join_reach', 'amends')(alias, calendar, wanted, intervals)) }}
{%- endmacro %}

{% macro default__join_reach(alias, calendar, wanted, intervals) -%}
asof left join {{ intervals }} as {{ alias }}
    on {{ calendar }} = {{ alias }}.calendar_code and {{ wanted }} > {{ alias }}.passed_seconds
{%- endmacro %}

{#- Moment at which a sum of business seconds is reached; time used up at closing falls due then, not next morning. -#}
{% macro moment_reached(alias, wanted) -%}
case
    when {{ wanted }} - {{ alias }}.passed_seconds <= {{ whole_seconds(alias ~ '.starts_at', alias ~ '.ends_at') }}
        then {{ plus_seconds(alias ~ '.starts_at', wanted ~ ' - ' ~ alias ~ '.passed_seconds') }}
end
{%- endmacro %}

{#- Stretches of UTC days, open and shut in turn, made of the open intervals of a horizon. One row per calendar, day and
    stretch; `passed_seconds` had passed before the stretch. A shut stretch is there too, so that every moment finds a row. -#}
{% macro business_stretches(intervals) -%}
    {{ return(adapter.dispatch('business_stretches', 'amends')(intervals)) }}
{%- endmacro %}

{% macro default__business_stretches(intervals) -%}
with bounded as (

    select
        *,
        -- After the last interval its calendar is shut to the end of the horizon.
        coalesce(
            lead(starts_at) over (partition by calendar_code order by starts_at), horizon_ends_at
        ) as next_starts_at,
        row_number() over (partition by calendar_code order by starts_at) = 1 as is_first
    from {{ intervals }}

),

turns as (

    select calendar_code, starts_at, ends_at, passed_seconds, 1 as is_counted from bounded
    union all
    select calendar_code, ends_at, next_starts_at, passed_seconds + {{ whole_seconds('starts_at', 'ends_at') }}, 0 from bounded
    union all
    select calendar_code, horizon_starts_at, starts_at, passed_seconds, 0 from bounded where is_first

),

days as (

    select
        *,
        unnest(generate_series(
            date_trunc('day', starts_at), date_trunc('day', ends_at - interval 1 microsecond), interval 1 day
        )) as day_starts_at
    from turns
    where starts_at < ends_at

)

select
    calendar_code,
    cast(day_starts_at as date) as day_on,
    greatest(starts_at, day_starts_at) as starts_at,
    least(ends_at, day_starts_at + interval 1 day) as ends_at,
    cast(is_counted as bigint) as is_counted,
    cast(passed_seconds + is_counted * {{ whole_seconds('starts_at', 'greatest(starts_at, day_starts_at)') }} as bigint)
        as passed_seconds
from days
{%- endmacro %}
