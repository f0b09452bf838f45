{#- Fails with every period of a key that begins before the one before it has ended. Ends are exclusive, null is open. -#}
{% test no_overlap(model, key, starts, ends) %}

select *
from (
    select
        {{ key }},
        {{ starts }},
        lag({{ ends }}) over (partition by {{ key }} order by {{ starts }}) as previous_end,
        row_number() over (partition by {{ key }} order by {{ starts }}) as place
    from {{ model }}
) as periods
where place > 1 and (previous_end is null or {{ starts }} < previous_end)

{% endtest %}
