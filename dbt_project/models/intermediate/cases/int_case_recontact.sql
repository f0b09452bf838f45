-- one row per resolved case with a known customer (case_id): when the customer first came back after the last resolution
with cases as (

    select * from {{ ref('fct_case') }}
    where resolved_at is not null and customer_id is not null

),

same_cause as (

    select
        cases.case_id,
        min(signals.occurred_at) as first_at
    from cases
    inner join {{ ref('fct_signal') }} as signals
        on
            cases.customer_id = signals.customer_id
            and cases.cause_id = signals.cause_id
            and signals.signal_kind in {{ contact_kinds() }}
            and signals.occurred_at > cases.resolved_at
            and signals.occurred_at <= cases.as_of
    group by cases.case_id

),

any_cause as (

    select
        cases.case_id,
        min(interactions.occurred_at) as first_at
    from cases
    inner join {{ ref('int_interaction') }} as interactions
        on
            cases.customer_id = interactions.customer_id
            and interactions.occurred_at > cases.resolved_at
            and interactions.occurred_at <= cases.as_of
    group by cases.case_id

)

select
    cases.case_id,
    -- Without a cause nobody can say whether a contact was about the same one.
    cases.cause_id is not null as is_cause_known,
    same_cause.first_at as same_cause_recontact_at,
    any_cause.first_at as any_cause_recontact_at
from cases
left join same_cause on cases.case_id = same_cause.case_id
left join any_cause on cases.case_id = any_cause.case_id
