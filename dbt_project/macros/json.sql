{#- One value of a JSON object kept as text, as text; null when the key is absent or JSON null. -#}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch('json_text', 'amends')(column, key)) }}
{%- endmacro %}

{% macro default__json_text(column, key) -%}
    json_extract_string({{ column }}, '$.{{ key }}')
{%- endmacro %}

{#- The items of a JSON list inside a JSON object kept as text, one per row, as text. -#}
{% macro json_items(column, key) -%}
    {{ return(adapter.dispatch('json_items', 'amends')(column, key)) }}
{%- endmacro %}

{% macro default__json_items(column, key) -%}
    unnest(cast(json_extract({{ column }}, '$.{{ key }}') as json []))
{%- endmacro %}

{#- A number of a JSON object kept as text; null when the key is absent or what is there is no number. People fill these in. -#}
{% macro json_number(column, key, type='double') -%}
    {{ return(adapter.dispatch('json_number', 'amends')(column, key, type)) }}
{%- endmacro %}

{% macro default__json_number(column, key, type) -%}
    try_cast(json_extract_string({{ column }}, '$.{{ key }}') as {{ type }})
{%- endmacro %}

{#- A part of a JSON object kept as text, as JSON text; null when the key is absent. -#}
{% macro json_part(column, key) -%}
    {{ return(adapter.dispatch('json_part', 'amends')(column, key)) }}
{%- endmacro %}

{% macro default__json_part(column, key) -%}
    cast(json_extract({{ column }}, '$.{{ key }}') as varchar)
{%- endmacro %}
