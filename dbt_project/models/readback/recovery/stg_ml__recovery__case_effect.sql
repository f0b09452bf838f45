-- one row per recovery attempt with a playbook (attempt_id): what it is expected to have saved, summing to the total
select
    cast(attempt_id as varchar) as attempt_id,
    cast(case_id as varchar) as case_id,
    cast(customer_id as varchar) as customer_id,
    cast(arm as varchar) as arm,
    cast(is_in_overlap as boolean) as is_in_overlap,
    cast(expected_usd as double) as expected_usd,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__case_effect') }}
