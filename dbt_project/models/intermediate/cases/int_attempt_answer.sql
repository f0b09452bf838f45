-- one row per attempt (attempt_id): what the customer said about it afterwards, and whether they were asked
with attempts as (

    select
        *,
        {{ plus_days('resolved_at', response_window_days()) }} as window_ends_at
    from {{ ref('int_attempt') }}

),

surveys as (

    select
        survey_id,
        metric
    from {{ ref('stg_programme__survey') }}
    where metric in ('nps', 'csat')

),

asked as (

    select distinct attempts.attempt_id
    from attempts
    inner join {{ ref('stg_qualtrics__invitation') }} as invitations
        on
            attempts.customer_id = invitations.customer_id
            and invitations.sent_at > attempts.resolved_at
            and invitations.sent_at <= attempts.window_ends_at
            and invitations.sent_at <= attempts.as_of
            -- A survey about another ticket says nothing about this recovery; one about the relationship does.
            and (invitations.related_id is null or invitations.related_id = attempts.subject_id)
    inner join surveys on invitations.survey_id = surveys.survey_id

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

last_answers as (

    select
        attempts.attempt_id,
        answers.score_metric,
        answers.score_value
    from attempts
    inner join answers
        on
            attempts.customer_id = answers.customer_id
            and answers.occurred_at > attempts.resolved_at
            and answers.occurred_at <= attempts.window_ends_at
            and answers.occurred_at <= attempts.as_of
            -- Asked before it was resolved, answered after: the question was about something else.
            and (answers.sent_at is null or answers.sent_at > attempts.resolved_at)
            and (answers.related_id is null or answers.related_id = attempts.subject_id)
    {{ keep_first(
        partition_by=['attempts.attempt_id', 'answers.score_metric'],
        order_by=['answers.occurred_at desc', 'answers.signal_id']
    ) }}

),

scores as (

    select
        attempt_id,
        max(case when score_metric = 'nps' then score_value end) as post_nps,
        max(case when score_metric = 'csat' then score_value end) as post_csat
    from last_answers
    group by attempt_id

)

select
    attempts.attempt_id,
    asked.attempt_id is not null or scores.attempt_id is not null as is_asked,
    scores.attempt_id is not null as has_answered,
    scores.post_nps,
    scores.post_csat
from attempts
left join asked on attempts.attempt_id = asked.attempt_id
left join scores on attempts.attempt_id = scores.attempt_id
