-- one row per attempt (attempt_id): what the customer had told us and what we had tried in the days before the decision
with attempts as (

    select
        *,
        {{ plus_days('anchored_at', '-' ~ outcome_horizon_days()) }} as since_at
    from {{ ref('int_attempt') }}

),

-- What our own people wrote is about a customer and not from one.
said as (

    select
        signal_id,
        customer_id,
        occurred_at
    from {{ ref('int_signal') }}
    where signal_kind not in ('agent_note', 'case_note', 'qa_audit') and source <> '{{ own_source() }}'

),

heard as (

    select
        attempts.attempt_id,
        count(*) as signals
    from attempts
    inner join said
        on
            attempts.customer_id = said.customer_id
            and said.occurred_at >= attempts.since_at
            and said.occurred_at < attempts.anchored_at
            and attempts.signal_id <> said.signal_id
    group by attempts.attempt_id

),

tried as (

    select
        attempts.attempt_id,
        count(*) as attempts
    from attempts
    inner join {{ ref('int_attempt') }} as others
        on
            attempts.customer_id = others.customer_id
            and others.anchored_at >= attempts.since_at
            and others.anchored_at < attempts.anchored_at
    group by attempts.attempt_id

),

-- A priority may be changed later; what stood there when the decision was taken is in the ticket's history.
priorities as (

    select
        {{ signal_key("'zendesk'", "'ticket'", 'ticket_id') }} as signal_id,
        updated_at as valid_from_at,
        lead(updated_at) over (partition by ticket_id order by updated_at) as valid_to_at,
        value as priority
    from {{ ref('stg_zendesk__ticket_field_history') }}
    where field_name = 'priority'

)

select
    attempts.attempt_id,
    cast(coalesce(heard.signals, 0) as integer) as prior_signals_90d,
    cast(coalesce(tried.attempts, 0) as integer) as prior_attempts_90d,
    cast(case priorities.priority when 'urgent' then 1 when 'high' then 2 when 'normal' then 3 when 'low' then 4 end as integer)
        as priority_severity
from attempts
left join heard on attempts.attempt_id = heard.attempt_id
left join tried on attempts.attempt_id = tried.attempt_id
left join priorities
    on
        attempts.signal_id = priorities.signal_id
        and priorities.valid_from_at < attempts.anchored_at
        and (priorities.valid_to_at is null or priorities.valid_to_at >= attempts.anchored_at)
