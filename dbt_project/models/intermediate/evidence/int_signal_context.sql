-- one row per customer's text with notes about it (signal_id): what agents had written about the same matter a day after it came
-- A day, and never more: a note written on closing names the cause that a model is asked to find.
with signals as (

    select * from {{ ref('int_signal') }}

),

said as (

    select
        signal_id,
        related_type,
        related_id,
        occurred_at
    from signals
    where text is not null and text_author = 'customer' and related_id is not null

),

notes as (

    select
        signal_id as note_id,
        related_type,
        related_id,
        occurred_at,
        text
    from signals
    where signal_kind in ('agent_note', 'escalation') and text is not null and text_author = 'agent'

),

resolved as (

    select
        subject_type,
        subject_id,
        min(resolved_at) as first_resolved_at
    from {{ ref('int_resolution') }}
    group by subject_type, subject_id

)

select
    said.signal_id,
    string_agg(notes.text, ' ' order by notes.occurred_at, notes.note_id) as note_text,
    count(*) as notes
from said
inner join notes
    on
        said.related_type = notes.related_type
        and said.related_id = notes.related_id
        and notes.occurred_at <= said.occurred_at + interval 1 day
left join resolved
    on said.related_type = resolved.subject_type and said.related_id = resolved.subject_id
where resolved.first_resolved_at is null or notes.occurred_at < resolved.first_resolved_at
group by said.signal_id
