-- one row per signal (signal_id): one piece of evidence about the service, from any source
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='signal_id',
    on_schema_change='fail',
    post_hook=["{{ drop_withdrawn_signals() }}", "{{ follow_survey_scales() }}"]
) }}

with signals as (
    {% for part in signal_parts() -%}
    select * from {{ part }}
    {% if not loop.last -%} union all {% endif -%}
    {%- endfor %}
),

{% if is_incremental() -%}
-- The mark is kept per entity, so that an entity that failed or was switched on later catches up on its own.
seen as (

    select
        source,
        entity,
        max(_changed_batch_id) as batch_id
    from {{ this }}
    group by source, entity

),

{% endif -%}
arrived as (

    select signals.*
    from signals
    {%- if is_incremental() %}
    left join seen on signals.source = seen.source and signals.entity = seen.entity
    where signals.changed_batch_id > coalesce(seen.batch_id, -1)
    {%- endif %}

)

select
    md5(concat_ws('|', source, entity, source_key)) as signal_id,
    signal_kind,
    source,
    entity,
    source_key,
    instrument_id,
    occurred_at,
    customer_id,
    channel,
    product,
    branch_id,
    region,
    language,
    organisation,
    score_metric,
    score_value,
    score_min,
    score_max,
    score_normalised,
    text,
    case when text is not null then text_author end as text_author,
    md5(text) as text_hash,
    reason_code,
    escalation_level,
    related_type,
    related_id,
    company_response,
    is_timely,
    changed_batch_id as _changed_batch_id,
    _source_file,
    _line,
    _row_hash,
    _batch_id,
    _loaded_at
from arrived
