-- one row per share of cases that follow the policy (point_id): what following it there would gain
select
    point_id,
    policy_id,
    followed_share,
    gain_usd,
    low_usd,
    high_usd,
    as_of
from {{ ref('stg_ml__recovery__policy_curve') }}
