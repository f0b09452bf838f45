{#- Wilson's interval of a share (Wilson 1927) at 95 %: honest for few rows and for shares near 0 and 1, where the plain
    one leaves the range. `side` is -1 for the lower end and 1 for the upper; null when nothing was counted. -#}
{% macro wilson_bound(hits, trials, side) -%}
    {%- set z2 = '3.841458820694124' -%}
    (
        {{ hits }} + {{ z2 }} / 2
        + {{ side }} * sqrt({{ z2 }} * ({{ hits }} * ({{ trials }} - {{ hits }}) / nullif({{ trials }}, 0) + {{ z2 }} / 4))
    ) / nullif({{ trials }} + {{ z2 }}, 0)
{%- endmacro %}

{#- Standard error of a Net Promoter Score in points: 100 * sqrt((p + d - (p - d)^2) / n) with shares p and d. -#}
{% macro nps_error(promoters, detractors, counted) -%}
    cast(100 as double) * sqrt(greatest(
        cast({{ promoters }} + {{ detractors }} as double) / nullif({{ counted }}, 0)
        - pow(cast({{ promoters }} - {{ detractors }} as double) / nullif({{ counted }}, 0), 2), 0
    ) / nullif({{ counted }}, 0))
{%- endmacro %}

{#- One end of the 95 % interval of a Net Promoter Score, adjusted for few answers by three more, a quarter of them promoters and
    a quarter detractors (Rocks 2016): the plain one has no width where all answers agree. -#}
{% macro nps_bound(promoters, detractors, counted, side) -%}
    {%- set more = '(' ~ counted ~ ' + 3)' -%}
    {%- set edge = 'least' if side > 0 else 'greatest' -%}
    {{ edge }}(cast({{ side }} * 100 as double), cast(100 as double) * ({{ promoters }} - {{ detractors }}) / {{ more }}
        + {{ side }} * cast({{ z95() }} as double)
        * {{ nps_error('(' ~ promoters ~ ' + 0.75)', '(' ~ detractors ~ ' + 0.75)', more) }})
{%- endmacro %}

{#- One end of the 95 % interval of a Poisson count: Byar's approximation to the exact one (Breslow and Day 1987), good from 0 on. -#}
{% macro poisson_bound(counted, side) -%}
    {%- set cases = 'cast(' ~ counted ~ ' + 1 as double)' if side > 0 else 'cast(' ~ counted ~ ' as double)' -%}
    coalesce({{ cases }} * pow(
        1 - 1 / (9 * nullif({{ cases }}, 0)) + {{ side }} * cast({{ z95() }} as double) / (3 * sqrt(nullif({{ cases }}, 0))), 3
    ), 0)
{%- endmacro %}
