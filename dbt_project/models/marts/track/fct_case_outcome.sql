-- one row per case opened up to as_of (case_id): what came of it, with unknown kept apart from no
with cases as (

    select * from {{ ref('fct_case') }}

),

nps as (

    select * from {{ ref('int_case_answer') }}
    where score_metric = 'nps'

),

csat as (

    select * from {{ ref('int_case_answer') }}
    where score_metric = 'csat'

),

recontacts as (

    select * from {{ ref('int_case_recontact') }}

),

revenue as (

    select * from {{ ref('int_case_revenue') }}

),

customers as (

    select * from {{ ref('int_customer') }}

),

milestones as (

    select * from {{ ref('int_case_milestone') }}

),

-- Effort and offers of the resolutions the ledger took over for the case.
resolved_by as (

    select distinct
        case_id,
        resolution_id
    from {{ ref('fct_case_event') }}
    where event_kind = 'resolved' and resolution_id is not null

),

efforts as (

    select
        resolved_by.case_id,
        count(*) as resolutions,
        cast(sum(resolutions.offer_usd) as decimal(18, 2)) as offer_usd,
        sum(resolutions.handling_minutes) as handling_minutes
    from resolved_by
    inner join {{ ref('int_resolution') }} as resolutions on resolved_by.resolution_id = resolutions.resolution_id
    group by resolved_by.case_id

),

observed as (

    select
        cases.*,
        nps.score_value as post_nps,
        csat.score_value as post_csat,
        greatest(nps.answered_at, csat.answered_at) as answered_at,
        cases.verified_at is not null as is_confirmed,
        recontacts.same_cause_recontact_at,
        recontacts.any_cause_recontact_at,
        coalesce(recontacts.is_cause_known, false) as is_same_cause_known,
        recontacts.case_id is not null as is_recontact_known,
        customers.customer_id is not null as is_customer_known,
        customers.churned_on,
        efforts.resolutions,
        efforts.offer_usd,
        efforts.handling_minutes,
        revenue.is_before_known,
        revenue.is_after_known,
        revenue.revenue_before_90d_usd,
        revenue.revenue_after_90d_usd,
        revenue.margin_before_90d_usd,
        revenue.margin_after_90d_usd,
        milestones.first_action_at as acted_at,
        milestones.first_informed_at,
        milestones.first_settled_at,
        milestones.first_escalated_at,
        {% for kind in escalation_types() -%}
        milestones.first_{{ kind }}_escalation_at,
        {% endfor -%}
        milestones.escalation_level,
        milestones.first_real_reopening_at,
        milestones.real_reopenings_30d,
        milestones.next_case_at,
        milestones.people,
        milestones.hand_overs,
        {{ plus_days('cases.opened_at', outcome_horizon_days()) }} as horizon_at
    from cases
    left join nps on cases.case_id = nps.case_id
    left join csat on cases.case_id = csat.case_id
    left join recontacts on cases.case_id = recontacts.case_id
    left join revenue on cases.case_id = revenue.case_id
    left join customers on cases.customer_id = customers.customer_id
    left join efforts on cases.case_id = efforts.case_id
    left join milestones on cases.case_id = milestones.case_id

),

judged as (

    select
        *,
        {% for days in recontact_windows() -%}
        resolved_at is not null and as_of >= {{ plus_days('resolved_at', days) }} as is_recontact_{{ days }}d_mature,
        case
            when is_same_cause_known then {{ happened_within('same_cause_recontact_at', 'resolved_at', days, 'as_of') }}
        end as has_same_cause_recontact_{{ days }}d,
        case
            when is_recontact_known then {{ happened_within('any_cause_recontact_at', 'resolved_at', days, 'as_of') }}
        end as has_any_cause_recontact_{{ days }}d,
        {% endfor -%}
        case
            when is_same_cause_known
                then {{ happened_within('same_cause_recontact_at', 'resolved_at', recovered_recontact_days(), 'as_of') }}
        end as is_recontacted,
        resolved_at is not null and as_of >= {{ plus_days('resolved_at', response_window_days()) }} as is_outcome_mature,
        -- At risk by what was known on opening; an attempt by what was done while the customer was still there.
        case
            when
                case_kind = 'recovery'
                and opened_severity <= {{ high_severity() }}
                and is_customer_known
                and (churned_on is null or churned_on > cast(acted_at as date))
                then acted_at
        end as save_attempt_at
    from observed

)

select
    case_id,
    case_kind,
    customer_id,
    cause_id,
    theme_id,
    segment,
    region,
    severity,
    playbook_code,
    outcome_code,
    opened_at,
    resolved_at,
    closed_at,
    post_nps,
    post_csat,
    answered_at,
    is_confirmed,
    {{ is_recovered('post_nps', 'post_csat', 'is_confirmed', 'is_recontacted') }} as is_recovered,
    {{ is_recovered('post_nps', 'post_csat', 'is_confirmed', 'is_recontacted') }} is not null as is_outcome_known,
    is_outcome_mature,
    {% for days in recontact_windows() -%}
    has_same_cause_recontact_{{ days }}d,
    has_any_cause_recontact_{{ days }}d,
    is_recontact_{{ days }}d_mature,
    {% endfor -%}
    {{ happened_within('first_real_reopening_at', 'first_resolved_at', reopen_window_days(), 'as_of') }} as has_reopened_30d,
    {{ happened_within('first_reopened_at', 'first_resolved_at', reopen_window_days(), 'as_of') }} as has_reopened_anyhow_30d,
    cast(coalesce(real_reopenings_30d, 0) as integer) as reopenings_30d,
    first_resolved_at is not null
    and as_of >= {{ plus_days('first_resolved_at', reopen_window_days()) }} as is_reopen_30d_mature,
    -- Gone is known at once; still there is known only when the horizon has passed.
    case
        when not is_customer_known then null
        when churned_on <= cast(least(horizon_at, as_of) as date) then false
        when as_of >= horizon_at then true
    end as is_retained_90d,
    as_of >= horizon_at as is_retention_90d_mature,
    first_escalated_at is not null as is_escalated,
    escalation_level,
    {{ happened_within('first_escalated_at', 'opened_at', escalation_window_days(), 'as_of') }} as has_escalation_30d,
    {% for kind in escalation_types() -%}
    {{ happened_within('first_' ~ kind ~ '_escalation_at', 'opened_at', escalation_window_days(), 'as_of') }}
        as has_{{ kind }}_escalation_30d,
    {% endfor -%}
    as_of >= {{ plus_days('opened_at', escalation_window_days()) }} as is_escalation_30d_mature,
    {% for name, days in loop_windows().items() -%}
    {{ happened_within('acted_at', 'opened_at', days, 'as_of') }} as has_contact_{{ name }},
    {{ happened_within('first_informed_at', 'opened_at', days, 'as_of') }} as has_informed_{{ name }},
    {{ happened_within('first_settled_at', 'opened_at', days, 'as_of') }} as has_resolved_{{ name }},
    as_of >= {{ plus_days('opened_at', days) }} as is_loop_{{ name }}_mature,
    {% endfor -%}
    case
        when closed_at is not null and customer_id is not null and cause_id is not null
            then {{ happened_within('next_case_at', 'closed_at', recurrence_window_days(), 'as_of') }}
    end as has_recurred_90d,
    closed_at is not null and as_of >= {{ plus_days('closed_at', recurrence_window_days()) }} as is_recurrence_90d_mature,
    save_attempt_at,
    {% for days in save_windows() -%}
    case
        when save_attempt_at is null then null
        when churned_on <= cast(least({{ plus_days('save_attempt_at', days) }}, as_of) as date) then false
        when as_of >= {{ plus_days('save_attempt_at', days) }} then true
    end as is_saved_{{ days }}d,
    save_attempt_at is not null and as_of >= {{ plus_days('save_attempt_at', days) }} as is_save_{{ days }}d_mature,
    {% endfor -%}
    revenue_before_90d_usd,
    revenue_after_90d_usd,
    margin_before_90d_usd,
    margin_after_90d_usd,
    cast(coalesce(resolutions, 0) as integer) as resolutions,
    offer_usd,
    handling_minutes,
    people,
    hand_overs,
    as_of
from judged
