-- one row per attempt (attempt_id): orders before and after the decision, where the order data reach far enough
{%- set after = outcome_horizon_days() %}
with attempts as (

    select
        *,
        {{ plus_days('anchored_at', '-28') }} as before_from_at,
        {{ plus_days('anchored_at', '-56') }} as placebo_from_at,
        {{ plus_days('anchored_at', after) }} as after_until_at
    from {{ ref('int_attempt') }}

),

orders as (

    select * from {{ ref('stg_billing__order') }}
    where ordered_at <= {{ as_of() }}

),

customers as (

    select
        customer_id,
        joined_on
    from {{ ref('int_customer') }}

),

reach as (

    select
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at
    from orders

),

{% set before = 'orders.ordered_at >= attempts.before_from_at and orders.ordered_at < attempts.anchored_at' -%}
{% set placebo = 'orders.ordered_at < attempts.before_from_at' -%}
{% set later = 'orders.ordered_at >= attempts.anchored_at' -%}
summed as (

    select
        attempts.attempt_id,
        {% for part, window in [('before', before), ('placebo', placebo), ('after', later)] -%}
        count(case when {{ window }} then 1 end) as orders_{{ part }},
        count(case when {{ window }} and orders.margin_usd is null then 1 end) as unknown_{{ part }},
        coalesce(sum(case when {{ window }} then orders.margin_usd end), 0) as margin_{{ part }}_usd,
        {% endfor -%}
        coalesce(sum(case when {{ later }} then orders.amount_usd end), 0) as amount_after_usd
    from attempts
    left join orders
        on
            attempts.customer_id = orders.customer_id
            and orders.ordered_at >= attempts.placebo_from_at
            and orders.ordered_at < attempts.after_until_at
    group by attempts.attempt_id

),

seen as (

    select
        attempts.attempt_id,
        attempts.anchored_at,
        attempts.placebo_from_at,
        attempts.after_until_at,
        attempts.as_of,
        -- Zero is a fact only where an order would have been seen: from the first on record, and of somebody who was a customer.
        greatest(reach.first_ordered_at, coalesce(cast(customers.joined_on as timestamp), reach.first_ordered_at))
            as seen_from_at,
        reach.last_ordered_at
    from attempts
    cross join reach
    left join customers on attempts.customer_id = customers.customer_id

),

known as (

    select
        attempt_id,
        case
            when anchored_at > seen_from_at
                then cast(least(28, floor({{ seconds_between('seen_from_at', 'anchored_at') }} / 86400)) as integer)
            else 0
        end as days_observed_before,
        coalesce(seen_from_at <= placebo_from_at, false) as is_placebo_known,
        as_of >= after_until_at and coalesce(last_ordered_at >= after_until_at, false) as is_after_known
    from seen

)

select
    known.attempt_id,
    known.days_observed_before,
    case when known.days_observed_before > 0 then cast(summed.orders_before as integer) end as orders_before_28d,
    case
        when known.days_observed_before > 0 and summed.unknown_before = 0
            then cast(summed.margin_before_usd as decimal(18, 2))
    end as margin_before_28d_usd,
    case
        when known.is_placebo_known and summed.unknown_placebo = 0 then cast(summed.margin_placebo_usd as decimal(18, 2))
    end as margin_placebo_usd,
    case when known.is_after_known then cast(summed.amount_after_usd as decimal(18, 2)) end as revenue_90d_usd,
    case
        when known.is_after_known and summed.unknown_after = 0 then cast(summed.margin_after_usd as decimal(18, 2))
    end as margin_90d_usd
from known
inner join summed on known.attempt_id = summed.attempt_id
