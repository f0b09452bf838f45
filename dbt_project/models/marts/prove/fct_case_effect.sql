-- one row per recovery attempt with a playbook (attempt_id): what it is expected to have saved, summing to the total
select
    attempt_id,
    case_id,
    customer_id,
    arm,
    is_in_overlap,
    expected_usd,
    as_of
from {{ ref('stg_ml__recovery__case_effect') }}
