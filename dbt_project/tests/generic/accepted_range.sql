{#- Fails with every known value outside the closed range; either end may be left open. -#}
{% test accepted_range(model, column, at_least=none, at_most=none) %}

select *
from {{ model }}
where
    false
    {% if at_least is not none %}or {{ column }} < {{ at_least }}{% endif %}
    {% if at_most is not none %}or {{ column }} > {{ at_most }}{% endif %}

{% endtest %}
