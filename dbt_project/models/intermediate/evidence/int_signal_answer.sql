-- one row per signal people gave a label (signal_id): what they say it is, one answer to a question
-- Review comes before what the owner of a case says, because it was given to these words and to nothing else. In review
-- the majority counts, then the newest; of owners the newest.
with labels as (

    select * from {{ ref('stg_ledger__label') }}

),

superseded as (

    select distinct supersedes_label_id as label_id
    from labels
    where supersedes_label_id is not null

),

causes as (

    select cause_id from {{ ref('stg_programme__cause') }}

),

-- A label on a case reaches its signals; one given to an earlier wording of a text says nothing about this one, and a
-- cause the programme has dropped is nobody's answer any more.
standing as (

    select
        labels.signal_id,
        labels.question,
        labels.label_value,
        labels.labelled_at,
        labels.audit_inclusion,
        labels.label_id,
        labels.basis in ('review', 'qa_review') as is_review
    from labels
    inner join {{ ref('int_signal') }} as signals on labels.signal_id = signals.signal_id
    left join superseded on labels.label_id = superseded.label_id
    left join causes on labels.label_value = causes.cause_id
    where
        superseded.label_id is null
        and labels.label_value is not null
        and signals.text is not null
        and (labels.question != 'cause' or labels.label_value = 'none' or causes.cause_id is not null)
        and (labels.text_hash is null or labels.text_hash = signals.text_hash)

),

votes as (

    select
        signal_id,
        question,
        label_value,
        is_review,
        count(*) as people,
        max(labelled_at) as labelled_at
    from standing
    group by signal_id, question, label_value, is_review

),

decided as (

    select *
    from votes
    {{ keep_first(
        partition_by=['signal_id', 'question'],
        order_by=['is_review desc', 'case when is_review then people else 0 end desc', 'labelled_at desc', 'label_value']
    ) }}

),

drawn as (

    select
        signal_id,
        max(audit_inclusion) as audit_inclusion
    from standing
    where question = 'cause' and is_review
    group by signal_id

)

select
    decided.signal_id,
    max(case when decided.question = 'cause' then decided.label_value end) as cause_id,
    max(case when decided.question = 'cause' then if(decided.is_review, 'review', 'case_owner') end) as cause_basis,
    max(drawn.audit_inclusion) as audit_inclusion,
    cast(max(case when decided.question = 'severity' then decided.label_value end) as bigint) as severity,
    max(case when decided.question = 'sentiment' then decided.label_value end) as sentiment,
    max(case when decided.question = 'kind' then decided.label_value end) as feedback_kind,
    max(case when decided.question = 'theme' then decided.label_value end) as theme_id,
    bool_and(case when decided.question = 'is_valid' then decided.label_value = 'yes' end) as is_valid,
    max(decided.labelled_at) as labelled_at
from decided
left join drawn on decided.signal_id = drawn.signal_id
group by decided.signal_id
