-- one row per case with a known customer (case_id): revenue around its opening, where the order data reach far enough
with cases as (

    select
        case_id,
        customer_id,
        opened_at,
        {{ plus_days('opened_at', '-' ~ outcome_horizon_days()) }} as before_from,
        {{ plus_days('opened_at', outcome_horizon_days()) }} as after_until,
        as_of
    from {{ ref('fct_case') }}
    where customer_id is not null

),

orders as (

    select * from {{ ref('stg_billing__order') }}

),

reach as (

    select min(ordered_at) as first_ordered_at
    from orders

),

summed as (

    select
        cases.case_id,
        sum(case when orders.ordered_at < cases.opened_at then orders.amount_usd end) as before_usd,
        sum(case when orders.ordered_at >= cases.opened_at then orders.amount_usd end) as after_usd,
        sum(case when orders.ordered_at < cases.opened_at then orders.margin_usd end) as margin_before_usd,
        sum(case when orders.ordered_at >= cases.opened_at then orders.margin_usd end) as margin_after_usd,
        count(case when orders.margin_usd is null then 1 end) as orders_without_margin
    from cases
    inner join orders
        on
            cases.customer_id = orders.customer_id
            and orders.ordered_at >= cases.before_from
            and orders.ordered_at < cases.after_until
            and orders.ordered_at <= cases.as_of
    group by cases.case_id

),

known as (

    select
        cases.case_id,
        -- Zero is a fact only where orders would have been seen: after the first order on record, before as_of.
        reach.first_ordered_at <= cases.before_from as is_before_known,
        reach.first_ordered_at is not null and cases.as_of >= cases.after_until as is_after_known
    from cases
    cross join reach

)

select
    known.case_id,
    coalesce(known.is_before_known, false) as is_before_known,
    known.is_after_known,
    case when known.is_before_known then cast(coalesce(summed.before_usd, 0) as decimal(18, 2)) end as revenue_before_90d_usd,
    case when known.is_after_known then cast(coalesce(summed.after_usd, 0) as decimal(18, 2)) end as revenue_after_90d_usd,
    case
        when known.is_before_known and coalesce(summed.orders_without_margin, 0) = 0
            then cast(coalesce(summed.margin_before_usd, 0) as decimal(18, 2))
    end as margin_before_90d_usd,
    case
        when known.is_after_known and coalesce(summed.orders_without_margin, 0) = 0
            then cast(coalesce(summed.margin_after_usd, 0) as decimal(18, 2))
    end as margin_after_90d_usd
from known
left join summed on known.case_id = summed.case_id
