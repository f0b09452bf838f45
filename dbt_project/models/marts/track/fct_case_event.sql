-- one row per ledger event up to as_of (event_id): everything that happened to a case
with events as (

    select * from {{ ref('stg_ledger__case_event') }}

)

select
    event_id,
    case_id,
    seq,
    event_kind,
    occurred_at,
    recorded_at,
    actor_type,
    actor_id,
    state_after,
    cast({{ json_text('payload', 'severity') }} as integer) as severity,
    {{ json_text('payload', 'team') }} as team,
    {{ json_text('payload', 'owner_role') }} as owner_role,
    {{ json_text('payload', 'owner_id') }} as owner_id,
    {{ json_text('payload', 'playbook_code') }} as playbook_code,
    {{ json_text('payload', 'outcome_code') }} as outcome_code,
    {{ json_text('payload', 'trigger_id') }} as trigger_id,
    {{ json_text('payload', 'resolution_id') }} as resolution_id,
    {{ json_text('payload', 'into') }} as merged_into_case_id,
    event_hash
from events
where occurred_at <= {{ as_of() }}
