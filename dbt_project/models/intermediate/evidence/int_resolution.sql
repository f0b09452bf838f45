-- one row per resolution (resolution_id): how a ticket or complaint was put right, with the cause it was coded to
{{ config(post_hook="{{ handoff(order_by='resolution_id') }}") }}

with resolutions as (

    select * from {{ ref('stg_resolutions__resolution') }}

),

codes as (

    select * from {{ ref('stg_programme__reason_code') }}

)

select
    resolutions.resolution_id,
    md5(concat_ws(
        '|',
        case resolutions.subject_type when 'complaint' then 'complaints' when 'ticket' then 'zendesk' end,
        resolutions.subject_type,
        resolutions.subject_id
    )) as signal_id,
    resolutions.subject_type,
    resolutions.subject_id,
    resolutions.customer_id,
    resolutions.owner_id,
    cast(resolutions.triage_severity as integer) as triage_severity,
    resolutions.playbook_code,
    resolutions.resolution_code,
    coalesce(own.cause_id, shared.cause_id) as coded_cause_id,
    resolutions.outcome,
    resolutions.offer_usd,
    resolutions.handling_minutes,
    resolutions.first_action_at,
    resolutions.resolved_at,
    resolutions.customer_informed_at,
    resolutions._batch_id
from resolutions
left join codes as own on own.source = 'resolutions' and resolutions.resolution_code = own.reason_code
left join codes as shared on shared.source = '*' and resolutions.resolution_code = shared.reason_code
