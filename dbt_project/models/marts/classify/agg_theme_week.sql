-- one row per theme, week and region (theme_id, week_start, region); region 'all' is every signal of the theme
-- A week without a signal of a theme has no row: its count is zero.
{{ config(post_hook="{{ handoff(order_by='theme_id, week_start, region') }}") }}

with signals as (

    select
        theme_id,
        {{ week_of('occurred_at') }} as week_start,
        region,
        customer_id,
        severity,
        source
    from {{ ref('fct_signal') }}
    where theme_id is not null

),

customers as (

    select * from {{ ref('dim_customer') }}

),

by_region as (

    select
        *,
        region as counted_region
    from signals
    where region is not null
    union all
    select
        *,
        'all' as counted_region
    from signals

),

counted as (

    select
        theme_id,
        week_start,
        counted_region as region,
        count(*) as signals,
        -- Nobody is known by number in public reviews and published complaints: unknown, not zero.
        nullif(count(distinct customer_id), 0) as customers,
        count(case when severity <= {{ high_severity() }} then 1 end) as high_severity,
        count(case when source = '{{ own_source() }}' then 1 end) as own_notes
    from by_region
    group by theme_id, week_start, counted_region

),

weeks as (

    select distinct
        week_start,
        {{ plus_days('week_start', 7) }} as week_end
    from signals

),

-- Customers that were active when the week ended; a customer is counted by the attributes in force then.
active as (

    select
        weeks.week_start,
        customers.region,
        count(*) as customers
    from weeks
    inner join customers
        on
            weeks.week_end > customers.valid_from
            and (customers.valid_to is null or weeks.week_end <= customers.valid_to)
    where
        customers.status = 'active'
        and (customers.joined_on is null or customers.joined_on < weeks.week_end)
    group by weeks.week_start, customers.region

),

exposure as (

    select
        week_start,
        region,
        customers
    from active
    where region is not null
    union all
    select
        week_start,
        'all' as region,
        sum(customers) as customers
    from active
    group by week_start

)

select
    counted.theme_id,
    counted.week_start,
    counted.region,
    cast(counted.signals as bigint) as signals,
    cast(counted.customers as bigint) as customers,
    cast(counted.high_severity as bigint) as high_severity,
    cast(counted.own_notes as bigint) as own_notes,
    cast(exposure.customers as bigint) as exposure
from counted
left join exposure
    on
        counted.week_start = exposure.week_start
        and counted.region = exposure.region
