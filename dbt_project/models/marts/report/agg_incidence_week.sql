-- one row per cause and week (cause_id, week_start): new issues against the customers and orders that could have had one
-- Weeks without an issue have their row: their zero counts, too.
with issues as (

    select
        cause_id,
        {{ week_of('occurred_at') }} as week_start,
        count(*) as issues
    from {{ ref('int_issue') }}
    where is_issue_start_30d
    group by cause_id, {{ week_of('occurred_at') }}

),

exposure as (

    select
        {{ week_of('exposed_on') }} as week_start,
        count(distinct exposed_on) as days,
        sum(customers) as customer_days
    from {{ ref('int_exposure_day') }}
    where exposed_on <= cast({{ as_of() }} as date)
    group by {{ week_of('exposed_on') }}

),

orders as (

    select
        {{ week_of('ordered_at') }} as week_start,
        count(*) as orders
    from {{ ref('stg_billing__order') }}
    where ordered_at <= {{ as_of() }}
    group by {{ week_of('ordered_at') }}

),

reach as (

    select
        min(week_start) as first_week,
        max(week_start) as last_week
    from orders

),

counted as (

    select
        causes.cause_id,
        exposure.week_start,
        exposure.days,
        coalesce(issues.issues, 0) as issues,
        exposure.customer_days,
        -- No order is a fact only in weeks of which orders are on record.
        case
            when exposure.week_start between reach.first_week and reach.last_week then coalesce(orders.orders, 0)
        end as orders
    from {{ ref('stg_programme__cause') }} as causes
    cross join exposure
    cross join reach
    left join issues on causes.cause_id = issues.cause_id and exposure.week_start = issues.week_start
    left join orders on exposure.week_start = orders.week_start

)

select
    cause_id,
    week_start,
    days,
    issues,
    cast(customer_days as bigint) as customer_days,
    orders,
    7000.0 * issues / nullif(cast(customer_days as double), 0) as per_1000_customers,
    7000.0 * {{ poisson_bound('issues', -1) }} / nullif(cast(customer_days as double), 0) as per_1000_customers_low,
    7000.0 * {{ poisson_bound('issues', 1) }} / nullif(cast(customer_days as double), 0) as per_1000_customers_high,
    1000.0 * issues / nullif(cast(orders as double), 0) as per_1000_orders,
    {{ as_of() }} as as_of
from counted
