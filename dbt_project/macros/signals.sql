{#- What makes evidence: the parts of int_signal and the rules they share. -#}

{#- Every part of int_signal. A new source adds its model here, and nothing else changes downstream. -#}
{% macro signal_parts() -%}
    {{ return([
        ref('int_signal__complaint'),
        ref('int_signal__survey_response'),
        ref('int_signal__ticket'),
        ref('int_signal__agent_note'),
        ref('int_signal__case_note'),
        ref('int_signal__escalation'),
        ref('int_signal__qa_audit'),
        ref('int_signal__review'),
        ref('int_signal__salesforce_case'),
        ref('int_signal__cfpb_complaint'),
        ref('int_signal__city311_request'),
        ref('int_signal__feedback'),
    ]) }}
{%- endmacro %}

{#- A survey response that is nobody's opinion. Previews and spam are marked by name in older exports, by number in newer
    ones (1 and 8). -#}
{% macro is_test_response(status) -%}
    coalesce(lower({{ status }}), '') in ('survey preview', 'spam', '1', '8')
{%- endmacro %}

{#- An internal note: written by an agent and hidden from the customer. -#}
{% macro is_agent_note(comment) -%}
    {{ comment }}.author_role = 'agent' and {{ comment }}.is_public is false
{%- endmacro %}

{#- Rows that were evidence once and no longer are, because a corrected version was marked as spam or made public. An
    incremental run replaces rows by key but cannot take one away; without this it would differ from a full refresh. -#}
{% macro drop_withdrawn_signals() -%}
delete from {{ this }}
where
    (
        source = 'qualtrics'
        and source_key in (
            select response.response_id
            from {{ ref('stg_qualtrics__response') }} as response
            where {{ is_test_response('response.status') }}
        )
    )
    or (
        source = 'zendesk' and entity = 'ticket_comment'
        and source_key in (
            select comment.comment_id
            from {{ ref('stg_zendesk__ticket_comment') }} as comment
            where ({{ is_agent_note('comment') }}) is not true
        )
    )
{%- endmacro %}

{#- Read every answer on the scale its survey has today. The business may define a survey after its first answers arrived, or
    correct its scale; neither brings a new batch, so an incremental run would keep what it read before. -#}
{% macro follow_survey_scales() -%}
update {{ this }} as kept
set
    score_metric = today.metric,
    score_min = today.score_min,
    score_max = today.score_max,
    score_normalised = today.score_normalised
from (
    select
        answers.signal_id,
        surveys.metric,
        surveys.score_min,
        surveys.score_max,
        {{ normalised_score('answers.score_value', 'surveys.score_min', 'surveys.score_max', 'surveys.direction') }}
            as score_normalised
    from {{ this }} as answers
    left join {{ ref('stg_programme__survey') }} as surveys on answers.instrument_id = surveys.survey_id
    where
        answers.source in ('qualtrics', 'feedback')
        and answers.instrument_id is not null
        and answers.score_value is not null
) as today
where
    kept.signal_id = today.signal_id
    and (
        kept.score_metric is distinct from today.metric
        or kept.score_min is distinct from today.score_min
        or kept.score_max is distinct from today.score_max
        or kept.score_normalised is distinct from today.score_normalised
    )
{%- endmacro %}

{#- Whether a city request kept its target. The city also calls requests without a target ONTIME; those were never due, so
    they are unknown here, as is an open request whose target has not been missed yet. -#}
{% macro request_is_timely(request) -%}
case
    when {{ request }}.target_at is null then null
    when {{ request }}.on_time_status = 'OVERDUE' then false
    when {{ request }}.closed_at is null then null
    when {{ request }}.on_time_status = 'ONTIME' then true
    else {{ request }}.closed_at <= {{ request }}.target_at
end
{%- endmacro %}

{#- The source of what our own people wrote on cases; the same as OWN_SOURCE in models/signal.py. Detection never hears it. -#}
{% macro own_source() -%} desk {%- endmacro %}

{#- Signals by which a customer turned to us, as opposed to answering us or being talked about. -#}
{% macro contact_kinds() -%}
    ('complaint', 'ticket', 'escalation')
{%- endmacro %}
