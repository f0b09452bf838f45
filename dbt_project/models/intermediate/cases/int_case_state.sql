-- one row per case (case_id): the fold of its events up to as_of, as in models/case.py
with events as (

    select
        *,
        -- What a reopening makes forgotten is what lies before it in the order of the ledger.
        max(case when event_kind = 'reopened' then seq end) over (partition by case_id) as last_reopened_seq
    from {{ ref('fct_case_event') }}

),

folded as (

    select
        case_id,
        count(*) as events,
        max(seq) as last_seq,
        min(case when event_kind = 'opened' then occurred_at end) as opened_at,
        count(case when event_kind in ('opened', 'signal_attached') then 1 end) as signals,
        count(case when event_kind = 'reopened' then 1 end) as reopens,
        count(case when event_kind = 'escalated' then 1 end) as escalations,
        min(case when event_kind = 'resolved' then occurred_at end) as first_resolved_at,
        min(case when event_kind = 'reopened' then occurred_at end) as first_reopened_at,
        max(case when event_kind in ('opened', 'severity_changed') and severity is not null then seq end) as severity_seq,
        max(case when event_kind in ('routed', 'assigned') and team is not null then seq end) as team_seq,
        max(case when event_kind = 'routed' then seq end) as role_seq,
        max(case when event_kind in ('assigned', 'released', 'reopened', 'unmerged') then seq end) as owner_seq,
        max(case when event_kind in ('playbook_chosen', 'resolved') and playbook_code is not null then seq end) as playbook_seq,
        min(case when event_kind = 'contacted' then seq end) as first_action_seq,
        max(case when event_kind = 'resolved' and seq > coalesce(last_reopened_seq, 0) then seq end) as resolved_seq,
        max(case when event_kind = 'closed' and seq > coalesce(last_reopened_seq, 0) then seq end) as closed_seq,
        min(case when event_kind = 'customer_informed' and seq > coalesce(last_reopened_seq, 0) then seq end) as informed_seq,
        max(case when event_kind = 'loop_closed' and seq > coalesce(last_reopened_seq, 0) then seq end) as loop_closed_seq,
        max(case when event_kind = 'verified' and seq > coalesce(last_reopened_seq, 0) then seq end) as verified_seq,
        max(case when event_kind in ('merged', 'unmerged') then seq end) as merged_seq,
        max(
            case
                when event_kind in ('resolved', 'expired', 'invalidated', 'merged', 'reopened', 'unmerged') then seq
            end
        ) as ended_seq
    from events
    group by case_id

)

select
    folded.case_id,
    last_event.state_after as state,
    folded.opened_at,
    folded.signals,
    folded.events,
    folded.reopens,
    folded.escalations,
    opening.severity as opened_severity,
    severity_event.severity,
    team_event.team,
    role_event.owner_role,
    case when owner_event.event_kind = 'assigned' then owner_event.owner_id end as owner_id,
    playbook_event.playbook_code,
    action_event.occurred_at as first_action_at,
    folded.first_resolved_at,
    folded.first_reopened_at,
    resolved_event.occurred_at as resolved_at,
    closed_event.occurred_at as closed_at,
    closed_event.outcome_code,
    informed_event.occurred_at as informed_at,
    loop_event.occurred_at as loop_closed_at,
    verified_event.occurred_at as verified_at,
    case when merged_event.event_kind = 'merged' then merged_event.merged_into_case_id end as merged_into_case_id,
    case
        when ended_event.event_kind not in ('reopened', 'unmerged') then ended_event.occurred_at
    end as ended_at
from folded
inner join events as last_event on folded.case_id = last_event.case_id and folded.last_seq = last_event.seq
left join events as opening on folded.case_id = opening.case_id and opening.event_kind = 'opened'
left join events as severity_event on folded.case_id = severity_event.case_id and folded.severity_seq = severity_event.seq
left join events as team_event on folded.case_id = team_event.case_id and folded.team_seq = team_event.seq
left join events as role_event on folded.case_id = role_event.case_id and folded.role_seq = role_event.seq
left join events as owner_event on folded.case_id = owner_event.case_id and folded.owner_seq = owner_event.seq
left join events as playbook_event on folded.case_id = playbook_event.case_id and folded.playbook_seq = playbook_event.seq
left join events as action_event on folded.case_id = action_event.case_id and folded.first_action_seq = action_event.seq
left join events as resolved_event on folded.case_id = resolved_event.case_id and folded.resolved_seq = resolved_event.seq
left join events as closed_event on folded.case_id = closed_event.case_id and folded.closed_seq = closed_event.seq
left join events as informed_event on folded.case_id = informed_event.case_id and folded.informed_seq = informed_event.seq
left join events as loop_event on folded.case_id = loop_event.case_id and folded.loop_closed_seq = loop_event.seq
left join events as verified_event on folded.case_id = verified_event.case_id and folded.verified_seq = verified_event.seq
left join events as merged_event on folded.case_id = merged_event.case_id and folded.merged_seq = merged_event.seq
left join events as ended_event on folded.case_id = ended_event.case_id and folded.ended_seq = ended_event.seq
