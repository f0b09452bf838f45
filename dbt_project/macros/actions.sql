{#- What counts as doing something on a case, and what as talking with its customer. A test compares both lists with the event
    kinds of models/case.py: a new kind is in one of the three or the test fails. -#}

{#- Things somebody or the engine did. -#}
{% macro action_kinds() -%}
    {{ return([
        'routed', 'severity_changed', 'playbook_recommended', 'playbook_chosen', 'step_done', 'assigned', 'released',
        'work_started', 'contacted', 'note_added', 'waiting_started', 'waiting_ended', 'escalated', 'acknowledged', 'reminded',
        'offer_requested', 'offer_approved', 'offer_refused', 'offer_issued', 'message_sent', 'employee_asked', 'resolved',
        'closed', 'customer_informed', 'loop_closed', 'reopened', 'merged', 'unmerged', 'invalidated', 'expired',
    ]) }}
{%- endmacro %}

{#- Things that befell a case, or went on inside the outbox: nobody acted on the case by them. -#}
{% macro happening_kinds() -%}
    {{ return([
        'opened', 'signal_attached', 'sla_applied', 'message_queued', 'message_parked', 'message_suppressed',
        'customer_replied', 'verified', 'absorbed', 'original_opened', 'customers_attached',
    ]) }}
{%- endmacro %}

{#- Words between us and the customer. -#}
{% macro communication_kinds() -%}
    {{ return(['contacted', 'customer_informed', 'message_sent', 'customer_replied']) }}
{%- endmacro %}

{#- Purpose of a message to our own people about a case; no word to the customer, although the case tells of it. -#}
{% macro internal_purpose() -%} internal {%- endmacro %}

{#- Kinds as an SQL list, one a line: compiled SQL is read, too. -#}
{% macro listed(kinds) -%}
(
            {%- for kind in kinds %}
            '{{ kind }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
{%- endmacro %}
