-- one row per contact up to as_of (contact_id): whether it began an issue of its customer and cause, and what followed
-- An issue is judged window by window: it begins with a contact that has none of its customer and cause in the days before.
with contacts as (

    select * from {{ ref('int_contact') }}

),

ordered as (

    select
        *,
        lag(occurred_at) over (partition by customer_id, cause_id order by occurred_at, contact_id) as previous_at,
        lead(occurred_at) over (partition by customer_id, cause_id order by occurred_at, contact_id) as next_at
    from contacts

),

-- A ticket that had somebody or some team and was given to another.
handed_on as (

    select
        {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }} as matter_signal_id,
        updated_at as happened_at
    from (
        select
            *,
            lag(value) over (partition by ticket_id, field_name order by updated_at) as previous_value
        from {{ ref('stg_zendesk__ticket_field_history') }}
        where field_name in ('assignee_id', 'group_id') and value is not null
    ) as changes
    where value <> previous_value

),

passed_up as (

    select
        case
            when ticket_id is not null then {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }}
            when complaint_id is not null then {{ signal_key("'complaints'", "'complaint'", 'complaint_id') }}
            else {{ signal_key("'escalations'", "'escalation'", 'escalation_id') }}
        end as matter_signal_id,
        escalated_at as happened_at
    from {{ ref('stg_escalations__escalation') }}

),

called_back as (

    select
        signal_id as matter_signal_id,
        coalesce(first_action_at, resolved_at) as happened_at
    from {{ ref('int_resolution') }}
    where playbook_code in {{ callback_playbooks() }}

),

not_at_once as (

    select * from handed_on
    union all
    select * from passed_up
    union all
    select * from called_back

),

followed as (

    select
        ordered.contact_id,
        min(not_at_once.happened_at) as passed_on_at
    from ordered
    inner join not_at_once
        on
            ordered.matter_signal_id = not_at_once.matter_signal_id
            and not_at_once.happened_at >= ordered.occurred_at
            and not_at_once.happened_at <= ordered.as_of
    group by ordered.contact_id

),

judged as (

    select
        ordered.*,
        ordered.customer_id is not null and ordered.cause_id is not null as is_issue_known,
        followed.passed_on_at,
        least(ordered.next_at, followed.passed_on_at) as not_first_at
    from ordered
    left join followed on ordered.contact_id = followed.contact_id

)

select
    contact_id,
    customer_id,
    cause_id,
    channel,
    occurred_at,
    case when is_issue_known then previous_at end as previous_contact_at,
    case when is_issue_known then next_at end as next_contact_at,
    passed_on_at,
    {% for days in recontact_windows() -%}
    case
        when is_issue_known then previous_at is null or {{ plus_days('previous_at', days) }} < occurred_at
    end as is_issue_start_{{ days }}d,
    case
        when is_issue_known then not {{ happened_within('not_first_at', 'occurred_at', days, 'as_of') }}
    end as is_first_contact_resolved_{{ days }}d,
    as_of >= {{ plus_days('occurred_at', days) }} as is_fcr_{{ days }}d_mature,
    {% endfor -%}
    as_of
from judged
