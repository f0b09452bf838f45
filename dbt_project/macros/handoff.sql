{#- Giving a table to Python. Post-hook: writes <AMENDS_HANDOFF>/<name>.parquet. DuckDB writes a temporary file and renames
    it, so a reader sees the old table or the new one. Ordered, so that equal tables give equal bytes. -#}
{% macro handoff(order_by, name=none, query=none) -%}
copy (
    {{ query or 'select * from ' ~ this }}
    order by {{ order_by }}
) to '{{ env_var("AMENDS_HANDOFF") }}/{{ name or this.identifier }}.parquet' (format parquet, compression zstd)
{%- endmacro %}

{#- What the models in ml/ read: every signal with the label people gave it and the notes that existed a day later. `labels`
    is int_signal_label, which calls it `this` while it is being made. -#}
{% macro signal_handoff(labels) -%}
    select
        signals.signal_id,
        signals.signal_kind,
        signals.source,
        signals.entity,
        signals.source_key,
        signals.instrument_id,
        signals.occurred_at,
        signals.customer_id,
        signals.channel,
        signals.product,
        signals.branch_id,
        signals.region,
        signals.language,
        signals.organisation,
        signals.score_metric,
        signals.score_value,
        signals.score_min,
        signals.score_max,
        signals.score_normalised,
        signals.text,
        signals.text_author,
        signals.text_hash,
        signals.reason_code,
        signals.escalation_level,
        signals.related_type,
        signals.related_id,
        signals.company_response,
        signals.is_timely,
        labels.coded_cause_id,
        labels.coded_cause_basis,
        labels.reported_cause_id,
        labels.resolution_cause_id,
        labels.answered_cause_id,
        labels.answered_cause_basis,
        labels.audit_inclusion,
        labels.labelled_severity,
        labels.labelled_sentiment,
        labels.labelled_kind,
        labels.labelled_theme_id,
        labels.is_valid,
        labels.labelled_at,
        context.note_text,
        signals._source_file,
        signals._line,
        signals._row_hash,
        signals._batch_id,
        signals._loaded_at
    from {{ ref('int_signal') }} as signals
    left join {{ labels }} as labels on signals.signal_id = labels.signal_id
    left join {{ ref('int_signal_context') }} as context on signals.signal_id = context.signal_id
{%- endmacro %}
