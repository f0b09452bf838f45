{#- Which event starts and stops which clock: the same table as RULES in models/clocks.py, and a test holds the two together. -#}

{#- One entry per metric: whose wait it is, what stops it when a person or a source says so, and what starts it anew after. -#}
{% macro clock_rules() -%}
    {%- set contact = ['contacted', 'customer_informed'] -%}
    {%- set speaks = ['signal_attached', 'customer_replied', 'waiting_ended', 'reopened'] -%}
    {{ return([
        {'metric': 'first_action', 'party': 'team', 'stops': contact + ['resolved'], 'again': []},
        {'metric': 'update', 'party': 'team', 'stops': contact + ['resolved'], 'again': speaks},
        {'metric': 'resolve', 'party': 'team', 'stops': ['resolved'], 'again': []},
        {'metric': 'inform_customer', 'party': 'customer', 'stops': ['customer_informed'], 'again': []},
        {'metric': 'acknowledge', 'party': 'customer', 'stops': contact, 'again': []},
        {'metric': 'final_response', 'party': 'customer', 'stops': ['customer_informed'], 'again': []},
    ]) }}
{%- endmacro %}

{#- The rules as rows (metric, event_kind, op): s stops, g starts again, v takes the clock back, e ends it unmet. -#}
{% macro clock_rule_rows() -%}
    {%- set rows = [] -%}
    {%- for rule in clock_rules() -%}
        {%- for kind in rule['stops'] -%}{%- do rows.append((rule['metric'], kind, 's')) -%}{%- endfor -%}
        {%- for kind in rule['again'] -%}{%- do rows.append((rule['metric'], kind, 'g')) -%}{%- endfor -%}
        {%- for kind in ['merged', 'invalidated'] -%}{%- do rows.append((rule['metric'], kind, 'v')) -%}{%- endfor -%}
        {%- do rows.append((rule['metric'], 'expired', 'e')) -%}
    {%- endfor -%}
    {%- for metric, kind, op in rows %}
    select '{{ metric }}' as metric, '{{ kind }}' as event_kind, '{{ op }}' as op
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- Metrics of one party, as an SQL list. -#}
{% macro metrics_of(party) -%}
    ({% for rule in clock_rules() if rule['party'] == party %}'{{ rule['metric'] }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- Metrics that start anew each time the customer speaks, as an SQL list. -#}
{% macro metrics_started_again() -%}
    ({% for rule in clock_rules() if rule['again'] %}'{{ rule['metric'] }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- Spans in which a case waits for the customer, and in which it is settled: the kinds that begin and end each. -#}
{% macro gap_kinds() -%}
    {{ return({
        'waiting': {
            'begins': ['waiting_started'],
            'ends': ['waiting_ended', 'customer_replied', 'resolved', 'expired', 'invalidated', 'merged'],
        },
        'settled': {'begins': ['resolved', 'expired', 'merged'], 'ends': ['reopened', 'unmerged']},
    }) }}
{%- endmacro %}

{#- What becomes of one clock, as a text with one letter before the first and after each of its ops: n not started,
    r running, s stopped, v taken back, e ended. The ops are folded in the order in which things happened; each letter
    depends on the one before it, which no window function can say. Ops besides those of the rules: a target applied
    (a), applied on reopening so that it runs in any case (o), applied on an unmerge (u). -#}
{% macro clock_phases(op, order_by) -%}
    {{ return(adapter.dispatch('clock_phases', 'amends')(op, order_by)) }}
{%- endmacro %}

{% macro default__clock_phases(op, order_by) -%}
    list_reduce(
        list({{ op }} order by {{ order_by }}),
        lambda phases, op: phases || case
            when op in ('o', 'r') then 'r'
            when op = 'a' and right(phases, 1) = 'n' then 'r'
            when op = 'u' and right(phases, 1) in ('n', 'v') then 'r'
            when op = 'g' and right(phases, 1) = 's' then 'r'
            when op in ('s', 'v', 'e') and right(phases, 1) = 'r' then op
            else right(phases, 1)
        end,
        'n'
    )
{%- endmacro %}

{#- The last known value of a column up to this row of a window. -#}
{% macro carried(value, partition_by, order_by) -%}
    last_value({{ value }} ignore nulls) over (
        partition by {{ partition_by | join(', ') }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{#- A clock still in time counts as at risk from this share of its target on. -#}
{% macro at_risk_share() -%} 0.8 {%- endmacro %}
