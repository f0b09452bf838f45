-- one row per open case of a customer at risk (case_id): what could be lost if nothing were done
-- At risk by what was known when the case was opened, as for the save rate: a severe recovery case of a customer still there.
{{ config(post_hook="{{ handoff(order_by='case_id') }}") }}

select
    cases.case_id,
    cases.customer_id,
    cases.opened_severity as severity,
    cases.segment,
    cases.cause_id,
    cases.value_usd as annual_value_usd,
    cases.opened_at,
    cases.as_of
from {{ ref('fct_case') }} as cases
inner join {{ ref('int_customer') }} as customers on cases.customer_id = customers.customer_id
where
    cases.case_kind = 'recovery'
    and cases.is_open
    and cases.opened_severity <= {{ high_severity() }}
    and (customers.churned_on is null or customers.churned_on > cast(cases.as_of as date))
