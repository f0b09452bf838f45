-- one row per outcome, playbook, check and subject (diagnostic_id): what would cast doubt on an effect
select
    diagnostic_id,
    outcome,
    arm,
    check_name,
    subject,
    value,
    low,
    high,
    limit_value,
    is_passed,
    sentence,
    as_of
from {{ ref('stg_ml__recovery__diagnostic') }}
