-- Catches a total of revenue saved that the cases behind it do not add up to, and one told where no case is.
with cases as (

    select
        arm,
        sum(expected_usd) as expected_usd,
        count(expected_usd) as attempts
    from {{ ref('fct_case_effect') }}
    group by arm

)

select
    effects.arm,
    effects.total,
    cases.expected_usd
from {{ ref('agg_playbook_effect') }} as effects
inner join cases on effects.arm = cases.arm
where
    effects.outcome = 'net_margin_90d'
    and effects.level = 'all'
    and (
        abs(coalesce(effects.total, 0) - coalesce(cases.expected_usd, 0)) > 0.01
        or (effects.total is not null and effects.n_overlap <> cases.attempts)
    )
