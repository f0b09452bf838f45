{#- Fails with every row for which the expression is false or unknown; write `x is null or ...` where unknown is allowed. -#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where ({{ expression }}) is not true

{% endtest %}
