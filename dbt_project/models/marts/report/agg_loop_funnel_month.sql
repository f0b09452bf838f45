-- one row per month of contact (month_start): what was heard, and how much of it went on to each later stage of the loop
with contacts as (

    -- Published complaints about other companies are heard by nobody here.
    select *
    from {{ ref('fct_signal') }}
    where
        signal_kind in {{ contact_kinds() }}
        and source <> 'cfpb'
        and occurred_at <= {{ as_of() }}

),

-- What was done about a contact itself, whether or not a case was opened for it.
resolutions as (

    select
        signal_id,
        max(case
            when first_action_at <= {{ as_of() }} and playbook_code not in {{ no_action_playbooks() }} then 1 else 0
        end) as is_acted,
        max(case when customer_informed_at <= {{ as_of() }} then 1 else 0 end) as is_informed
    from {{ ref('int_resolution') }}
    group by signal_id

),

attempts as (

    select
        signal_id,
        max(case when is_recovered then 1 else 0 end) as is_verified
    from {{ ref('int_recovery_attempt') }}
    group by signal_id

),

cases as (

    select
        triggers.signal_id,
        max(case when milestones.first_action_at is not null then 1 else 0 end) as is_acted,
        max(case when milestones.first_informed_at is not null then 1 else 0 end) as is_informed,
        max(case when outcomes.is_recovered or outcomes.is_confirmed then 1 else 0 end) as is_verified
    from {{ ref('stg_ledger__case_trigger') }} as triggers
    inner join {{ ref('fct_case_outcome') }} as outcomes on triggers.case_id = outcomes.case_id
    inner join {{ ref('int_case_milestone') }} as milestones on triggers.case_id = milestones.case_id
    where triggers.signal_id is not null
    group by triggers.signal_id

),

-- A fix of the product, where the contact came from, after the contact. The change log does not name causes.
fixes as (

    select distinct contacts.signal_id
    from contacts
    inner join {{ ref('stg_changes__change_log') }} as changes
        on
            contacts.product = changes.product
            and (changes.region is null or contacts.region = changes.region)
            and changes.started_at > contacts.occurred_at
    where changes.kind = 'fix' and changes.started_at <= {{ as_of() }}

),

reached as (

    select
        contacts.signal_id,
        {{ month_of('contacts.occurred_at') }} as month_start,
        contacts.cause_id is not null and contacts.severity is not null as is_triaged,
        coalesce(resolutions.is_acted, 0) + coalesce(cases.is_acted, 0) > 0 as is_acted,
        coalesce(resolutions.is_informed, 0) + coalesce(cases.is_informed, 0) > 0 as is_informed,
        coalesce(attempts.is_verified, 0) + coalesce(cases.is_verified, 0) > 0 as is_verified,
        coalesce(contacts.cause_basis = 'code', false) as is_cause_linked,
        fixes.signal_id is not null as is_fixed
    from contacts
    left join resolutions on contacts.signal_id = resolutions.signal_id
    left join attempts on contacts.signal_id = attempts.signal_id
    left join cases on contacts.signal_id = cases.signal_id
    left join fixes on contacts.signal_id = fixes.signal_id

),

placed as (

    select
        *,
        -- How many stages it passed in a row.
        case
            {% for stage in loop_stages() -%}
            when not is_{{ stage }} then {{ loop.index0 }}
            {% endfor -%}
            else {{ loop_stages() | length }}
        end as passed
    from reached

)

select
    month_start,
    count(*) as heard,
    {% for stage in loop_stages() -%}
    count(case when passed >= {{ loop.index }} then 1 end) as {{ stage }},
    {% endfor -%}
    -- Nothing measures yet what a fix has changed: unknown, which is not none.
    cast(null as bigint) as effect_measured,
    {% for stage in loop_stages() -%}
    count(case when is_{{ stage }} then 1 end) as {{ stage }}_anyhow,
    {% endfor -%}
    {{ as_of() }} as as_of
from placed
group by month_start
