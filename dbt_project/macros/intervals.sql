{#- Wilson's interval of a share (Wilson 1927) at 95 %: honest for few rows and for shares near 0 and 1, where the plain
    one leaves the range. `side` is -1 for the lower end and 1 for the upper; null when nothing was counted. -#}
{% macro wilson_bound(hits, trials, side) -%}
    {%- set z2 = '3.841458820694124' -%}
    (
        {{ hits }} + {{ z2 }} / 2
        + {{ side }} * sqrt({{ z2 }} * ({{ hits }} * ({{ trials }} - {{ hits }}) / nullif({{ trials }}, 0) + {{ z2 }} / 4))
    ) / nullif({{ trials }} + {{ z2 }}, 0)
{%- endmacro %}
