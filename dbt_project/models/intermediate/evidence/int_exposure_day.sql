-- one row per day, segment and region (exposed_on, segment, region): customers active when the day ended
-- What complaints are counted against. A customer counts by the attributes in force then; unknown ones are '-'.
{{ config(post_hook="{{ handoff(order_by='exposed_on, segment, region') }}") }}

with customers as (

    select
        coalesce(segment, '-') as segment,
        coalesce(region, '-') as region,
        greatest(cast(valid_from as date), coalesce(joined_on, cast(valid_from as date))) as begins_on,
        cast(valid_to as date) as ends_on
    from {{ ref('dim_customer') }}
    where status = 'active'

),

signals as (

    select
        cast(min(occurred_at) as date) as first_on,
        cast(max(occurred_at) as date) as last_on
    from {{ ref('int_signal') }}

),

days as (

    select cast(unnest(generate_series(first_on, last_on, interval 1 day)) as date) as exposed_on
    from signals
    where first_on is not null

),

groups as (

    select distinct
        segment,
        region
    from customers

),

-- Comings and goings by day, those before the first day on the first; a period that ends on the day it began never
-- reached the end of a day. Adding up costs days times groups, never days times customers.
changes as (

    select
        customers.segment,
        customers.region,
        greatest(customers.begins_on, signals.first_on) as exposed_on,
        1 as change
    from customers
    cross join signals
    where customers.ends_on is null or customers.ends_on > customers.begins_on
    union all
    select
        customers.segment,
        customers.region,
        greatest(customers.ends_on, signals.first_on) as exposed_on,
        -1 as change
    from customers
    cross join signals
    where customers.ends_on > customers.begins_on

),

changed as (

    select
        segment,
        region,
        exposed_on,
        sum(change) as change
    from changes
    group by segment, region, exposed_on

)

select
    days.exposed_on,
    groups.segment,
    groups.region,
    cast(
        sum(coalesce(changed.change, 0))
            over (
                partition by groups.segment, groups.region order by days.exposed_on
                rows between unbounded preceding and current row
            )
        as bigint
    ) as customers
from days
cross join groups
left join changed
    on
        days.exposed_on = changed.exposed_on
        and groups.segment = changed.segment
        and groups.region = changed.region
