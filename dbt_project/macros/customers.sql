{#- What makes a customer another one than before, in one text: every attribute a signal may be judged by. -#}
{% macro customer_attributes() -%}
concat_ws(
        '|',
        {%- for column in [
            'branch_id', 'segment', 'tier', 'annual_value_usd', 'region', 'language', 'status', 'joined_on', 'churned_on',
            'has_consent_email', 'has_consent_sms', 'has_consent_phone', 'is_vulnerable'
        ] %}
        coalesce(cast({{ column }} as varchar), '-'){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
