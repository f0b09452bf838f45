-- one row per outcome, policy, comparison and estimator (value_id): what a policy would have earned, or why nobody can tell
select
    value_id,
    policy_id,
    outcome,
    policy,
    against,
    estimator,
    value,
    low,
    high,
    attempts,
    effective_attempts,
    thin_share,
    largest_weight,
    changed_share,
    propensities,
    refused,
    as_of
from {{ ref('stg_ml__recovery__policy_value') }}
