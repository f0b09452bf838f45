-- one row per source, code, coded cause and week (source, reason_code, coded_cause_id, week_start): codes the words contradict
with judged as (

    select
        signals.source,
        signals.reason_code,
        findings.coded_cause_id,
        {{ week_of('signals.occurred_at') }} as week_start,
        findings.is_finding
    from {{ ref('stg_ml__root_cause__miscoding') }} as findings
    inner join {{ ref('fct_signal') }} as signals on findings.signal_id = signals.signal_id
    where signals.occurred_at is not null and findings.coded_cause_id is not null

),

counted as (

    select
        source,
        reason_code,
        coded_cause_id,
        week_start,
        count(*) as coded,
        count(case when is_finding then 1 end) as findings
    from judged
    group by source, reason_code, coded_cause_id, week_start

)

select
    source,
    reason_code,
    coded_cause_id,
    week_start,
    cast(coded as bigint) as coded,
    cast(findings as bigint) as findings,
    cast(findings / coded as double) as rate,
    cast({{ wilson_bound('findings', 'coded', -1) }} as double) as rate_low,
    cast({{ wilson_bound('findings', 'coded', 1) }} as double) as rate_high
from counted
