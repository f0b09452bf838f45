-- one row per case (case_id): when the things rates ask about first happened, by people and up to as_of
with events as (

    select
        *,
        {{ json_text('payload', 'resolution_id') }} as resolution_id,
        {{ json_text('payload', 'direction') }} as direction
    from {{ ref('stg_ledger__case_event') }}
    where occurred_at <= {{ as_of() }}

),

cases as (

    select * from {{ ref('fct_case') }}

),

-- Decided to do nothing: a record of a decision, and no word to the customer.
undone as (

    select resolution_id
    from {{ ref('int_resolution') }}
    where playbook_code in {{ no_action_playbooks() }}

),

firsts as (

    select
        events.case_id,
        min(case
            when
                events.event_kind in ('contacted', 'customer_informed')
                and events.actor_type in ('person', 'source')
                and events.direction is distinct from 'inbound'
                and undone.resolution_id is null
                then events.occurred_at
        end) as first_action_at,
        min(case when events.event_kind = 'customer_informed' then events.occurred_at end) as first_informed_at,
        min(case when events.event_kind in ('resolved', 'closed') then events.occurred_at end) as first_settled_at
    from events
    left join undone on events.resolution_id = undone.resolution_id
    group by events.case_id

),

-- Everybody of ours who had a hand in it, and how often it went from one to another.
owners as (

    select
        case_id,
        owner_id,
        owner_id <> lag(owner_id) over (partition by case_id order by occurred_at, seq) as is_hand_over
    from (
        select
            case_id,
            seq,
            occurred_at,
            {{ json_text('payload', 'owner_id') }} as owner_id
        from events
        where event_kind = 'assigned'
    ) as assignments
    where owner_id is not null

),

hands as (

    select
        case_id,
        owner_id as person_id
    from owners
    union
    select
        case_id,
        actor_id as person_id
    from events
    where actor_type = 'person'

),

people as (

    select
        case_id,
        count(distinct person_id) as people
    from hands
    group by case_id

),

hand_overs as (

    select
        case_id,
        count(case when is_hand_over then 1 end) as hand_overs
    from owners
    group by case_id

),

escalations as (

    select
        case_id,
        min(escalated_at) as first_escalated_at,
        {% for kind in escalation_types() -%}
        min(case when escalation_type = '{{ kind }}' then escalated_at end) as first_{{ kind }}_escalation_at,
        {% endfor -%}
        max(escalation_level) as escalation_level
    from {{ ref('int_case_escalation') }}
    group by case_id

),

reopenings as (

    select
        cases.case_id,
        min(case when reopenings.reopening_type = 'real' then reopenings.reopened_at end) as first_real_reopening_at,
        count(case
            when
                reopenings.reopening_type = 'real'
                and reopenings.reopened_at <= {{ plus_days('cases.first_resolved_at', reopen_window_days()) }}
                then 1
        end) as real_reopenings_30d
    from cases
    inner join {{ ref('int_case_reopening') }} as reopenings on cases.case_id = reopenings.case_id
    group by cases.case_id

),

-- The same customer with the same cause once more, after this case was closed.
recurrences as (

    select
        cases.case_id,
        min(others.opened_at) as next_case_at
    from cases
    inner join cases as others
        on
            cases.customer_id = others.customer_id
            and cases.cause_id = others.cause_id
            and cases.case_id <> others.case_id
            and others.opened_at > cases.closed_at
    where others.case_kind = 'recovery' and others.state not in ('merged', 'invalid')
    group by cases.case_id

)

select
    cases.case_id,
    firsts.first_action_at,
    firsts.first_informed_at,
    firsts.first_settled_at,
    escalations.first_escalated_at,
    {% for kind in escalation_types() -%}
    escalations.first_{{ kind }}_escalation_at,
    {% endfor -%}
    cast(escalations.escalation_level as integer) as escalation_level,
    reopenings.first_real_reopening_at,
    cast(coalesce(reopenings.real_reopenings_30d, 0) as integer) as real_reopenings_30d,
    recurrences.next_case_at,
    cast(coalesce(people.people, 0) as integer) as people,
    cast(coalesce(hand_overs.hand_overs, 0) as integer) as hand_overs
from cases
left join firsts on cases.case_id = firsts.case_id
left join escalations on cases.case_id = escalations.case_id
left join reopenings on cases.case_id = reopenings.case_id
left join people on cases.case_id = people.case_id
left join hand_overs on cases.case_id = hand_overs.case_id
left join recurrences on cases.case_id = recurrences.case_id
