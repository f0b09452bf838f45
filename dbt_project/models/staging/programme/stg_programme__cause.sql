-- one row per root cause of the taxonomy (cause_id)
select
    cast(cause_id as varchar) as cause_id,
    cast(title as varchar) as cause_title,
    cast(failure_type as varchar) as failure_type,
    cast(journey as varchar) as journey
from {{ source('programme', 'cause') }}
