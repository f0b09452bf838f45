-- one row per resolved case with a known customer (case_id): when the customer first came back after the last resolution
with cases as (

    select * from {{ ref('fct_case') }}
    where resolved_at is not null and customer_id is not null

)

select
    cases.case_id,
    -- Without a cause nobody can say whether a contact was about the same one.
    cases.cause_id is not null as is_cause_known,
    min(case when cases.cause_id = contacts.cause_id then contacts.occurred_at end) as same_cause_recontact_at,
    min(contacts.occurred_at) as any_cause_recontact_at
from cases
left join {{ ref('int_contact') }} as contacts
    on
        cases.customer_id = contacts.customer_id
        and contacts.occurred_at > cases.resolved_at
        and contacts.occurred_at <= cases.as_of
group by cases.case_id, cases.cause_id
