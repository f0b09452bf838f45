{#- Fails with every row in which one of the columns is below zero. -#}
{% test not_negative(model, columns) %}

select *
from {{ model }}
where {% for column in columns %}{{ 'or ' if not loop.first }}{{ column }} < 0 {% endfor %}

{% endtest %}
