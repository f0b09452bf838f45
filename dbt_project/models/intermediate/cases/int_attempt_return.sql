-- one row per attempt (attempt_id): whether the customer came back about the same cause, or confirmed that all is well
with attempts as (

    select
        attempts.*,
        -- The cause as known by now: what came after is judged by all that is known, as it is for cases.
        signals.cause_id
    from {{ ref('int_attempt') }} as attempts
    left join {{ ref('fct_signal') }} as signals on attempts.signal_id = signals.signal_id

),

returns as (

    select
        attempts.attempt_id,
        min(contacts.occurred_at) as same_cause_recontact_at
    from attempts
    inner join {{ ref('int_contact') }} as contacts
        on
            attempts.customer_id = contacts.customer_id
            and attempts.cause_id = contacts.cause_id
            and contacts.occurred_at > attempts.resolved_at
            and contacts.occurred_at <= attempts.as_of
    group by attempts.attempt_id

),

confirmations as (

    select
        case_id,
        max(occurred_at) as confirmed_at
    from {{ ref('fct_case_event') }}
    where event_kind = 'verified'
    group by case_id

)

select
    attempts.attempt_id,
    returns.same_cause_recontact_at,
    case
        when attempts.cause_id is not null
            then
                {{ happened_within(
                    'returns.same_cause_recontact_at', 'attempts.resolved_at', recovered_recontact_days(), 'attempts.as_of'
                ) }}
    end as is_recontacted,
    -- A case confirms the resolution that settled it, not one it never took over.
    coalesce(attempts.is_applied_to_case and confirmations.confirmed_at > attempts.resolved_at, false) as is_confirmed
from attempts
left join returns on attempts.attempt_id = returns.attempt_id
left join confirmations on attempts.case_id = confirmations.case_id
