-- one row per signal (signal_id): the cause people coded for it, if anybody did
{{ config(post_hook="{{ handoff(order_by='signal_id', name='int_signal', query=signal_handoff()) }}") }}

with signals as (

    select * from {{ ref('int_signal') }}

),

codes as (

    select * from {{ ref('stg_programme__reason_code') }}

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
        coalesce(own.cause_id, shared.cause_id) as reported_cause_id
    from signals
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
    coalesce(resolution_cause_id, reported_cause_id) as coded_cause_id,
    case
        when resolution_cause_id is not null then 'resolution'
        when reported_cause_id is not null then 'reason_code'
    end as coded_cause_basis
from coded
