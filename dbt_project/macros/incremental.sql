{#- Reading what arrived since the last build, and letting the newest version win whatever the order of arrival. -#}

{#- Where-clause of a staging model: on an incremental run, only intake batches this table has not kept a row of yet. The
    mark is the batch number, never a time in the row: late rows carry old times. Batches whose rows all lost against newer
    versions are read again next time, which changes nothing. -#}
{% macro only_new_batches() -%}
    {%- if is_incremental() -%}
    where _batch_id > (select coalesce(max(seen._batch_id), -1) from {{ this }} as seen)
    {%- endif -%}
{%- endmacro %}

{#- The winning row per key among the rows that arrived and, on an incremental run, the rows already kept for the same
    keys: highest version, then latest batch, then last line. A version delivered late therefore never overrides a newer
    one, and a full refresh over the same landing gives the same rows. -#}
{% macro newest_version(arrived, key, version=none) -%}
select *
from (
    select * from {{ arrived }}
    {%- if is_incremental() %}

    union all

    select kept.*
    from {{ this }} as kept
    where exists (
        select 1
        from {{ arrived }} as fresh
        where {% for column in key %}{{ 'and ' if not loop.first }}fresh.{{ column }} = kept.{{ column }} {% endfor %}
    )
    {%- endif %}
) as versions
{{ keep_first(partition_by=key, order_by=newest_first(version)) }}
{%- endmacro %}

{#- Order in which versions of one key win. The last two columns only make two rows of one batch and line comparable. -#}
{% macro newest_first(version=none) -%}
    {%- set order = [] if version is none else [version ~ ' desc nulls last'] -%}
    {{ return(order + ['_batch_id desc', '_line desc', '_source_file desc', '_row_hash desc']) }}
{%- endmacro %}

{#- Keep the first row of each group. DuckDB has QUALIFY; an engine without it gets its own implementation here. -#}
{% macro keep_first(partition_by, order_by) -%}
    {{ return(adapter.dispatch('keep_first', 'amends')(partition_by, order_by)) }}
{%- endmacro %}

{% macro default__keep_first(partition_by, order_by) -%}
qualify row_number() over (
    partition by {{ partition_by | join(', ') }}
    order by {{ order_by | join(', ') }}
) = 1
{%- endmacro %}
