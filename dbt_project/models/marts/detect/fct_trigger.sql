-- one row per trigger (trigger_id): a rule that fired, and the case it led to
with triggers as (

    select * from {{ ref('stg_ml__detection__trigger') }}

),

known as (

    select * from {{ ref('stg_ledger__case_trigger') }}

)

select
    triggers.trigger_id,
    triggers.rule_id,
    triggers.rule_hash,
    triggers.kind,
    triggers.signal_id,
    triggers.subject_type,
    triggers.subject_id,
    triggers.customer_id,
    triggers.journey,
    triggers.cause_id,
    triggers.theme_id,
    triggers.severity,
    triggers.occurred_at,
    triggers.value_usd,
    triggers.segment,
    triggers.region,
    triggers.branch_id,
    triggers.source,
    triggers.dedupe_days,
    triggers.is_historic,
    known.case_id,
    triggers.evidence
from triggers
left join known on triggers.trigger_id = known.trigger_id
