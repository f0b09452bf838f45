-- one row per posting of an employee (employee_id, valid_from_on): the newest version delivered
{{ config(unique_key=['employee_id', 'valid_from_on'], post_hook="{{ handoff(order_by='employee_id, valid_from_on') }}") }}

with arrived as (

    select
        cast(employee_id as varchar) as employee_id,
        cast(employee_name as varchar) as employee_name,
        cast(role as varchar) as role,
        cast(team_id as varchar) as team_id,
        cast(manager_id as varchar) as manager_id,
        cast(branch_id as varchar) as branch_id,
        cast(region as varchar) as region,
        cast(skills as varchar) as skills,
        cast(capacity_units as bigint) as capacity_units,
        cast(valid_from as date) as valid_from_on,
        cast(valid_to as date) as valid_to_on,
        {{ utc('updated_at') }} as updated_at,
        cast(_source as varchar) as _source,
        cast(_source_file as varchar) as _source_file,
        cast(_line as bigint) as _line,
        cast(_row_hash as varchar) as _row_hash,
        cast(_batch_id as bigint) as _batch_id,
        {{ utc('_loaded_at') }} as _loaded_at
    from {{ source('hr', 'org_chart') }}
    {{ only_new_batches() }}

)

{{ newest_version('arrived', key=['employee_id', 'valid_from_on'], version='updated_at') }}
