-- one row per share of cases that follow the policy (point_id): what following it there would gain
select
    cast(point_id as varchar) as point_id,
    cast(policy_id as varchar) as policy_id,
    cast(followed_share as double) as followed_share,
    cast(gain_usd as double) as gain_usd,
    cast(low_usd as double) as low_usd,
    cast(high_usd as double) as high_usd,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__policy_curve') }}
