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
