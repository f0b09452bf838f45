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

{#- Ends of the scale a metric usually has, for scores that belong to no survey of the programme; more is better on all. -#}
{% macro usual_scale(metric, end) -%}
    {%- set scales = {'nps': (0, 10), 'csat': (1, 5), 'rating': (1, 5)} -%}
case {{ metric }}
    {% for name, ends in scales.items() -%}
    when '{{ name }}' then {{ ends[0 if end == 'lowest' else 1] }}.0
    {% endfor -%}
end
{%- endmacro %}
