-- one row per source and code (source, reason_code); source '*' holds for every source
select
    coalesce(nullif(cast(source as varchar), ''), '*') as source,
    cast(code as varchar) as reason_code,
    cast(cause_id as varchar) as cause_id
from {{ source('programme', 'reason_code') }}
