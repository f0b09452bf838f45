-- one row per signal (signal_id): the cause people coded for it, if anybody did
-- depends_on: {{ ref('int_signal_context') }}
{{ config(post_hook="{{ handoff(order_by='signal_id', name='int_signal', query=signal_handoff(this)) }}") }}

with signals as (

    select * from {{ ref('int_signal') }}

),

codes as (

    select * from {{ ref('stg_programme__reason_code') }}

),

answers as (

    select * from {{ ref('int_signal_answer') }}

),

-- What a quality audit found is about the ticket it looked at.
audits as (

    select
        signals.related_type,
        signals.related_id,
        coalesce(own.cause_id, shared.cause_id) as cause_id
    from signals
    left join codes as own on signals.source = own.source and signals.reason_code = own.reason_code
    left join codes as shared on shared.source = '*' and signals.reason_code = shared.reason_code
    where signals.signal_kind = 'qa_audit' and coalesce(own.cause_id, shared.cause_id) is not null
    {{ keep_first(
        partition_by=['signals.related_type', 'signals.related_id'],
        order_by=['signals.occurred_at desc', 'signals.signal_id']
    ) }}

),

-- A matter may be resolved more than once; what was found last counts.
resolutions as (

    select
        subject_type,
        subject_id,
        coded_cause_id
    from {{ ref('int_resolution') }}
    where coded_cause_id is not null
    {{ keep_first(
        partition_by=['subject_type', 'subject_id'],
        order_by=['resolved_at desc nulls last', 'resolution_id desc']
    ) }}

),

coded as (

    select
        signals.signal_id,
        resolutions.coded_cause_id as resolution_cause_id,
        coalesce(own.cause_id, shared.cause_id) as reported_cause_id,
        audits.cause_id as audited_cause_id,
        answers.cause_id as answered_cause_id,
        answers.cause_basis as answered_cause_basis,
        answers.audit_inclusion,
        answers.severity as labelled_severity,
        answers.sentiment as labelled_sentiment,
        answers.feedback_kind as labelled_kind,
        answers.theme_id as labelled_theme_id,
        answers.is_valid,
        answers.labelled_at,
        -- The order of whose word counts, for the whole project. Nothing a model says is in it.
        case
            when answers.cause_basis = 'review' then 'review'
            when audits.cause_id is not null then 'qa_review'
            when answers.cause_id is not null then 'case_owner'
            when resolutions.coded_cause_id is not null then 'resolution'
            when coalesce(own.cause_id, shared.cause_id) is not null then 'reason_code'
        end as basis
    from signals
    left join answers on signals.signal_id = answers.signal_id
    left join audits
        on
            signals.signal_kind = 'ticket'
            and signals.related_type = audits.related_type
            and signals.related_id = audits.related_id
    -- A system's own meaning of a code comes before the company's.
    left join codes as own on signals.source = own.source and signals.reason_code = own.reason_code
    left join codes as shared on shared.source = '*' and signals.reason_code = shared.reason_code
    -- Only the matter itself takes the cause found on resolving it; a survey or a note about it may speak of another.
    left join resolutions
        on
            signals.signal_kind in ('complaint', 'ticket')
            and signals.related_type = resolutions.subject_type
            and signals.related_id = resolutions.subject_id

)

select
    signal_id,
    -- A reviewer who finds none of the causes leaves none: the code is refuted, and no other is known.
    case
        when basis in ('review', 'case_owner') then nullif(answered_cause_id, 'none')
        when basis = 'qa_review' then audited_cause_id
        when basis = 'resolution' then resolution_cause_id
        else reported_cause_id
    end as coded_cause_id,
    case when basis not in ('review', 'case_owner') or answered_cause_id != 'none' then basis end as coded_cause_basis,
    reported_cause_id,
    resolution_cause_id,
    answered_cause_id,
    answered_cause_basis,
    audit_inclusion,
    labelled_severity,
    labelled_sentiment,
    labelled_kind,
    labelled_theme_id,
    is_valid,
    labelled_at
from coded
