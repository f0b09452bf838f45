-- one row per case and metric (case_id, score_metric): the last NPS or CSAT answer a case customer gave after recovery
with cases as (

    select * from {{ ref('fct_case') }}

),

answers as (

    select
        signals.signal_id,
        signals.customer_id,
        signals.occurred_at,
        signals.score_metric,
        signals.score_value,
        signals.related_id,
        invitations.sent_at
    from {{ ref('int_signal') }} as signals
    inner join {{ ref('stg_qualtrics__response') }} as responses on signals.source_key = responses.response_id
    left join {{ ref('stg_qualtrics__invitation') }} as invitations on responses.invitation_id = invitations.invitation_id
    where
        signals.signal_kind = 'survey_response'
        and signals.score_metric in ('nps', 'csat')
        -- An answer off its scale has no normalised score and says nothing.
        and signals.score_normalised is not null

),

-- Tickets and complaints a case is about, through the signals that opened or joined it.
matters as (

    select distinct
        triggers.case_id,
        signals.related_id
    from {{ ref('stg_ledger__case_trigger') }} as triggers
    inner join {{ ref('int_signal') }} as signals on triggers.signal_id = signals.signal_id
    where signals.related_id is not null

)

select
    cases.case_id,
    answers.score_metric,
    answers.score_value,
    answers.occurred_at as answered_at,
    answers.signal_id
from cases
inner join answers
    on
        cases.customer_id = answers.customer_id
        and answers.occurred_at > cases.resolved_at
        and answers.occurred_at <= {{ plus_days('cases.resolved_at', response_window_days()) }}
        and answers.occurred_at <= cases.as_of
        -- Asked before the recovery, answered after it: the question was about something else.
        and (answers.sent_at is null or answers.sent_at > cases.resolved_at)
left join matters on cases.case_id = matters.case_id and answers.related_id = matters.related_id
-- A survey about another ticket says nothing about this recovery; one about the relationship does.
where answers.related_id is null or matters.related_id is not null
{{ keep_first(
    partition_by=['cases.case_id', 'answers.score_metric'],
    order_by=['answers.occurred_at desc', 'answers.signal_id']
) }}
