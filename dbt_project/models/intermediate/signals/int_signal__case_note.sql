-- one row per text one of our own people typed on a case
-- Its source is the one no rule fires on and no surge counts (OWN_SOURCE in models/signal.py): a note about a case that
-- opened the next case would feed on itself. The cause of the case is not taken over: a note may speak of another.
with note as (

    select * from {{ ref('stg_desk__case_note') }}

)

select
    'agent_note' as signal_kind,
    '{{ own_source() }}' as source,
    'case_note' as entity,
    note.note_id as source_key,
    cast(null as varchar) as instrument_id,
    note.written_at as occurred_at,
    note.customer_id,
    note.channel,
    cast(null as varchar) as product,
    cast(null as varchar) as branch_id,
    note.region,
    cast(null as varchar) as language,
    cast(null as varchar) as organisation,
    cast(null as varchar) as score_metric,
    cast(null as double) as score_value,
    cast(null as double) as score_min,
    cast(null as double) as score_max,
    cast(null as double) as score_normalised,
    {{ joined_text(['note.body']) }} as text,
    'agent' as text_author,
    cast(null as varchar) as reason_code,
    cast(null as bigint) as escalation_level,
    'case' as related_type,
    note.case_id as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    note._batch_id as changed_batch_id,
    note._source_file,
    note._line,
    note._row_hash,
    note._batch_id,
    note._loaded_at
from note
