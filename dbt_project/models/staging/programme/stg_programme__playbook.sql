-- one row per playbook (playbook_code)
select
    cast(code as varchar) as playbook_code,
    cast(title as varchar) as playbook_title,
    cast(version_hash as varchar) as version_hash
from {{ source('programme', 'playbook') }}
