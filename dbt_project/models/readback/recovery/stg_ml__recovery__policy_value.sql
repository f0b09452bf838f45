-- one row per outcome, policy, comparison and estimator (value_id): what a policy would have earned, or why nobody can tell
select
    cast(value_id as varchar) as value_id,
    cast(policy_id as varchar) as policy_id,
    cast(outcome as varchar) as outcome,
    cast(policy as varchar) as policy,
    cast(against as varchar) as against,
    cast(estimator as varchar) as estimator,
    cast(value as double) as value,
    cast(low as double) as low,
    cast(high as double) as high,
    cast(attempts as bigint) as attempts,
    cast(effective_attempts as double) as effective_attempts,
    cast(thin_share as double) as thin_share,
    cast(largest_weight as double) as largest_weight,
    cast(changed_share as double) as changed_share,
    cast(propensities as varchar) as propensities,
    cast(refused as varchar) as refused,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__policy_value') }}
