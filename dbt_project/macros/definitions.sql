{#- Numbers that define our metrics, each in one place. The same ones as models/outcome.py; docs/warehouse.md explains them. -#}

{#- Severity runs from 1 (worst) to 4; up to this one counts as high. -#}
{% macro high_severity() -%} 2 {%- endmacro %}

{#- A case counts as recovered with a score of at least this, in the days after its last resolution, and no contact about
    the same cause within the recontact days. -#}
{% macro recovered_nps() -%} 7 {%- endmacro %}
{% macro recovered_csat() -%} 4 {%- endmacro %}
{% macro response_window_days() -%} 30 {%- endmacro %}
{% macro recovered_recontact_days() -%} 14 {%- endmacro %}

{#- Horizon of retention and revenue around a case. -#}
{% macro outcome_horizon_days() -%} 90 {%- endmacro %}

{#- What a minute of handling costs all told, in US dollars: 45 an hour. Taken from what a recovery brings in. -#}
{% macro handling_usd_per_minute() -%} 0.75 {%- endmacro %}

{#- Windows in which a further contact is reported. -#}
{% macro recontact_windows() -%} {{ return([7, 14, 30]) }} {%- endmacro %}

{#- Window in which a reopening counts against the resolution. -#}
{% macro reopen_window_days() -%} 30 {%- endmacro %}

{#- Window in which an escalation counts against its case. -#}
{% macro escalation_window_days() -%} 30 {%- endmacro %}

{#- Days in which a customer should have been contacted, told, and helped: the benchmark of closing the loop. -#}
{% macro loop_windows() -%} {{ return({'24h': 1, '4d': 4}) }} {%- endmacro %}

{#- Window after closing in which a new case of the same customer and cause is a recurrence. -#}
{% macro recurrence_window_days() -%} 90 {%- endmacro %}

{#- Horizons at which a customer somebody tried to keep is still there; the last one is ours. -#}
{% macro save_windows() -%} {{ return([7, 14, 30, 90]) }} {%- endmacro %}

{#- Whether something happened within so many days of a start: true once it did, false only when the window has passed by
    as_of, unknown before that. -#}
{% macro happened_within(happened_at, start, days, as_of) -%}
case
    when {{ happened_at }} <= {{ plus_days(start, days) }} then true
    when {{ as_of }} >= {{ plus_days(start, days) }} then false
end
{%- endmacro %}

{#- The recovered criterion, as RecoveredCriterion.recovered in models/outcome.py: a contact about the same cause decides
    against; otherwise a good score or a confirmation, once no contact is still possible; unknown without an answer. -#}
{% macro is_recovered(nps, csat, is_confirmed, is_recontacted) -%}
case
    when {{ is_recontacted }} then false
    when {{ is_recontacted }} is null then null
    when {{ nps }} >= {{ recovered_nps() }} or {{ csat }} >= {{ recovered_csat() }} or {{ is_confirmed }} then true
    when {{ nps }} is not null or {{ csat }} is not null then false
end
{%- endmacro %}
