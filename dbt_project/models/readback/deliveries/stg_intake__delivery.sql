-- one row per finished delivery (batch_id): when it arrived and what became of it
select
    cast(batch_id as bigint) as batch_id,
    cast(source as varchar) as source,
    cast(entity as varchar) as entity,
    cast(file as varchar) as source_file,
    {{ utc('received_at') }} as received_at,
    {{ utc('arrived_at') }} as arrived_at,
    cast(status as varchar) as status,
    cast(loaded as bigint) as loaded
from {{ source('intake', 'delivery') }}
