-- one row per outcome, playbook, check and subject (diagnostic_id): what would cast doubt on an effect
select
    cast(diagnostic_id as varchar) as diagnostic_id,
    cast(outcome as varchar) as outcome,
    cast(arm as varchar) as arm,
    cast(check_name as varchar) as check_name,
    cast(subject as varchar) as subject,
    cast(value as double) as value,
    cast(low as double) as low,
    cast(high as double) as high,
    cast(limit_value as double) as limit_value,
    cast(is_passed as boolean) as is_passed,
    cast(sentence as varchar) as sentence,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__diagnostic') }}
