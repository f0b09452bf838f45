-- one row per metric, severity, segment and start (metric, severity, segment, effective_from); segment '*' is every segment
select
    cast(metric as varchar) as metric,
    cast(severity as integer) as severity,
    coalesce(nullif(cast(segment as varchar), ''), '*') as segment,
    cast(clock as varchar) as clock,
    cast(target_seconds as bigint) as target_seconds,
    {{ utc('effective_from') }} as effective_from
from {{ source('programme', 'sla_target') }}
