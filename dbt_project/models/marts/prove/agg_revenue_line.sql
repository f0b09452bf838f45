-- one row per line (line): revenue at risk, revenue of those who stayed, revenue saved; never added up
select
    line,
    line_no,
    is_causal,
    point,
    low,
    high,
    n,
    n_borrowed,
    n_unknown,
    value_usd,
    horizon_days,
    sentence,
    reason,
    as_of
from {{ ref('stg_ml__recovery__revenue') }}
