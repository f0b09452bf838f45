{#- A score on 0..1 where 1 is good for the company, whatever the scale and its direction. An answer outside its scale, or a
    score without a known scale, stays unknown: clamping it would invent an opinion. -#}
{% macro normalised_score(value, lowest, highest, direction) -%}
case
    when {{ value }} not between {{ lowest }} and {{ highest }} then null
    when {{ direction }} = 'down' then ({{ highest }} - {{ value }}) / nullif({{ highest }} - {{ lowest }}, 0)
    when {{ direction }} = 'up' then ({{ value }} - {{ lowest }}) / nullif({{ highest }} - {{ lowest }}, 0)
end
{%- endmacro %}

{#- Texts of several columns as one text, or null when all are empty. -#}
{% macro joined_text(columns) -%}
nullif(trim(concat_ws(chr(10), {{ columns | join(', ') }})), '')
{%- endmacro %}
