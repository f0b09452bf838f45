{#- Time in the warehouse: plain timestamps that always mean UTC, and never the wall clock. -#}

{#- A landed timestamp as a plain timestamp in UTC. Landing stores instants with a zone; a plain timestamp there would
    already be UTC, and the session's TimeZone (UTC, see profiles.yml) keeps its value. -#}
{% macro utc(column) -%}
    {{ return(adapter.dispatch('utc', 'amends')(column)) }}
{%- endmacro %}

{% macro default__utc(column) -%}
    cast({{ column }} as timestamp with time zone) at time zone 'UTC'
{%- endmacro %}

{#- The moment every derived state is judged at. Refuses to guess: a build that falls back to "now" or to the end of time
    would give overdue cases that nobody can reproduce. Checked at execution only, so parsing and listing need no moment;
    AMENDS_WAREHOUSE_AS_OF is the way to pass it without changing --vars (which makes dbt parse the whole project again). -#}
{% macro as_of() -%}
    {%- if execute -%}
        {%- set moment = var('as_of', '') or env_var('AMENDS_WAREHOUSE_AS_OF', '') -%}
        {%- if not moment or (moment | string).startswith('9999') -%}
            {{ exceptions.raise_compiler_error("as_of is missing: pass --vars '{as_of: \"2025-06-30 00:00:00\"}' (UTC) or set AMENDS_WAREHOUSE_AS_OF") }}
        {%- endif -%}
        cast('{{ moment | string | replace("T", " ") | replace("Z", "") | replace("+00:00", "") }}' as timestamp)
    {%- else -%}
        cast(null as timestamp)
    {%- endif -%}
{%- endmacro %}

{#- Seconds between two moments, with their fraction dropped; null when either is unknown. -#}
{% macro seconds_between(start, finish) -%}
    {{ return(adapter.dispatch('seconds_between', 'amends')(start, finish)) }}
{%- endmacro %}

{% macro default__seconds_between(start, finish) -%}
    cast(floor(epoch({{ finish }}) - epoch({{ start }})) as bigint)
{%- endmacro %}

{#- Seconds between two moments with their fraction; null when either is unknown, and when they come in the wrong order: a
    clock that is wrong tells nothing about how long anything took. -#}
{% macro elapsed_seconds(start, finish) -%}
    {{ return(adapter.dispatch('elapsed_seconds', 'amends')(start, finish)) }}
{%- endmacro %}

{% macro default__elapsed_seconds(start, finish) -%}
    case when {{ finish }} >= {{ start }} then epoch({{ finish }}) - epoch({{ start }}) end
{%- endmacro %}

{#- Calendar days from one date to another. -#}
{% macro days_between(start_on, end_on) -%}
    {{ return(adapter.dispatch('days_between', 'amends')(start_on, end_on)) }}
{%- endmacro %}

{% macro default__days_between(start_on, end_on) -%}
    cast(date_diff('day', {{ start_on }}, {{ end_on }}) as integer)
{%- endmacro %}

{#- A moment plus a number of days or seconds (column or literal). -#}
{% macro plus_days(moment, days) -%}
    {{ return(adapter.dispatch('plus_days', 'amends')(moment, days)) }}
{%- endmacro %}

{% macro default__plus_days(moment, days) -%}
    {{ moment }} + to_days(cast({{ days }} as integer))
{%- endmacro %}

{% macro plus_seconds(moment, seconds) -%}
    {{ return(adapter.dispatch('plus_seconds', 'amends')(moment, seconds)) }}
{%- endmacro %}

{% macro default__plus_seconds(moment, seconds) -%}
    {{ moment }} + to_seconds({{ seconds }})
{%- endmacro %}

{#- Monday of the week, as a date. -#}
{% macro week_of(moment) -%}
    {{ return(adapter.dispatch('week_of', 'amends')(moment)) }}
{%- endmacro %}

{% macro default__week_of(moment) -%}
    cast(date_trunc('week', {{ moment }}) as date)
{%- endmacro %}

{#- First day of the month, as a date. -#}
{% macro month_of(moment) -%}
    cast(date_trunc('month', {{ moment }}) as date)
{%- endmacro %}

{#- A moment after every other, for spans that have not ended. -#}
{% macro end_of_time() -%} cast('9999-12-31' as timestamp) {%- endmacro %}
