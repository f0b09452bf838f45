{#- Fails when a model and the relation it was made from do not have the same number of rows (a join fanned out or lost rows). -#}
{% test same_rows(model, compare_to) %}

select
    counted.here,
    counted.there
from (
    select
        (select count(*) from {{ model }}) as here,
        (select count(*) from {{ compare_to }}) as there
) as counted
where counted.here <> counted.there

{% endtest %}
