-- one row per line (line): revenue at risk, revenue of those who stayed, revenue saved; never added up
select
    cast(line as varchar) as line,
    cast(line_no as bigint) as line_no,
    cast(is_causal as boolean) as is_causal,
    cast(point as double) as point,
    cast(low as double) as low,
    cast(high as double) as high,
    cast(n as bigint) as n,
    cast(n_borrowed as bigint) as n_borrowed,
    cast(n_unknown as bigint) as n_unknown,
    cast(value_usd as double) as value_usd,
    cast(horizon_days as bigint) as horizon_days,
    cast(sentence as varchar) as sentence,
    cast(reason as varchar) as reason,
    cast(as_of as timestamptz) as as_of
from {{ source('ml', 'ml_recovery__revenue') }}
