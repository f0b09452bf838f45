-- one row per calendar and open interval (calendar_code, starts_at)
select
    cast(calendar_code as varchar) as calendar_code,
    {{ utc('starts_at') }} as starts_at,
    {{ utc('ends_at') }} as ends_at,
    cast(passed_seconds as bigint) as passed_seconds,
    {{ utc('horizon_starts_at') }} as horizon_starts_at,
    {{ utc('horizon_ends_at') }} as horizon_ends_at
from {{ source('programme', 'business_interval') }}
