-- one row per reopening of a case up to as_of (case_id, seq): what the customer had said since, and whether it was a real one
with events as (

    select
        *,
        max(case when event_kind in ('resolved', 'closed', 'expired') then occurred_at end) over (
            partition by case_id
            order by seq
            rows between unbounded preceding and 1 preceding
        ) as settled_at
    from {{ ref('stg_ledger__case_event') }}
    where occurred_at <= {{ as_of() }}

),

reopenings as (

    select
        events.case_id,
        events.seq,
        events.occurred_at as reopened_at,
        events.settled_at,
        events.actor_type,
        cases.customer_id
    from events
    inner join {{ ref('stg_ledger__case') }} as cases on events.case_id = cases.case_id
    where events.event_kind = 'reopened'

),

-- What the customer said: contacts, signals that joined the case, and replies somebody noted on it.
contacts as (

    select
        reopenings.case_id,
        reopenings.seq,
        contacts.occurred_at,
        contacts.is_thanks_only,
        labels.is_valid is false as is_invalid
    from reopenings
    inner join {{ ref('int_interaction') }} as contacts
        on
            reopenings.customer_id = contacts.customer_id
            and contacts.occurred_at > reopenings.settled_at
            and contacts.occurred_at <= reopenings.reopened_at
    left join {{ ref('int_signal_label') }} as labels on contacts.signal_id = labels.signal_id

),

-- Signals that are contacts as well are judged as contacts, whose words are known.
joined as (

    select
        reopenings.case_id,
        reopenings.seq,
        signals.occurred_at,
        false as is_thanks_only,
        labels.is_valid is false as is_invalid
    from reopenings
    inner join {{ ref('stg_ledger__case_trigger') }} as triggers on reopenings.case_id = triggers.case_id
    inner join {{ ref('fct_signal') }} as signals on triggers.signal_id = signals.signal_id
    left join {{ ref('int_interaction') }} as contacts on signals.signal_id = contacts.signal_id
    left join {{ ref('int_signal_label') }} as labels on signals.signal_id = labels.signal_id
    where
        contacts.interaction_id is null
        and signals.occurred_at > reopenings.settled_at
        and signals.occurred_at <= reopenings.reopened_at

),

replies as (

    select
        reopenings.case_id,
        reopenings.seq,
        events.occurred_at,
        false as is_thanks_only,
        false as is_invalid
    from reopenings
    inner join events on reopenings.case_id = events.case_id
    where
        events.event_kind = 'customer_replied'
        and events.occurred_at > reopenings.settled_at
        and events.occurred_at <= reopenings.reopened_at

),

words as (

    select * from contacts
    union all
    select * from joined
    union all
    select * from replies

),

said as (

    select
        case_id,
        seq,
        count(*) as words,
        count(case when is_thanks_only then 1 end) as thanks,
        count(case when is_invalid then 1 end) as invalid
    from words
    group by case_id, seq

)

select
    reopenings.case_id,
    reopenings.seq,
    reopenings.reopened_at,
    reopenings.settled_at,
    reopenings.actor_type,
    -- One word that is neither thanks nor junk makes it real, and so does a person who opens it of their own accord.
    case
        when said.words is null and reopenings.actor_type <> 'system' then 'real'
        when said.words is null then 'automatic'
        when said.words > said.thanks + said.invalid then 'real'
        when said.thanks > 0 then 'thanks'
        else 'spam'
    end as reopening_type
from reopenings
left join said on reopenings.case_id = said.case_id and reopenings.seq = said.seq
