-- one row per source and entity (source, entity): how much of it is in the warehouse, from when to when, by which batch
{% set entities = [
    ('complaints', 'complaint', 'received_at'),
    ('qualtrics', 'response', 'recorded_at'),
    ('qualtrics', 'invitation', 'sent_at'),
    ('crm', 'customer', 'updated_at'),
    ('zendesk', 'ticket', 'created_at'),
    ('zendesk', 'ticket_field_history', 'updated_at'),
    ('zendesk', 'ticket_comment', 'created_at'),
    ('qa', 'audit', 'audited_at'),
    ('escalations', 'escalation', 'escalated_at'),
    ('resolutions', 'resolution', 'resolved_at'),
    ('billing', 'order', 'ordered_at'),
    ('hr', 'org_chart', 'updated_at'),
    ('changes', 'change_log', 'started_at'),
    ('reviews', 'review', 'posted_at'),
    ('salesforce', 'case', 'created_at'),
    ('cfpb', 'complaint', 'received_on'),
    ('city311', 'request', 'opened_at'),
    ('desk', 'case_note', 'written_at'),
    ('feedback', 'item', 'occurred_at'),
] -%}

with loads as (
    {% for source, entity, occurred in entities -%}
    select
        '{{ source }}' as source,
        '{{ entity }}' as entity,
        count(*) as row_count,
        cast(min({{ occurred }}) as timestamp) as first_at,
        cast(max({{ occurred }}) as timestamp) as last_at,
        max(_batch_id) as last_batch_id
    from {{ ref('stg_' ~ source ~ '__' ~ entity) }}
    {% if not loop.last -%} union all {% endif -%}
    {%- endfor %}
)

select
    source,
    entity,
    row_count,
    first_at,
    last_at,
    last_batch_id
from loads
