-- one row per severity rule (rule_id)
select
    cast(rule_id as varchar) as rule_id,
    cast(severity as integer) as severity,
    cast(phrases as varchar) as phrases
from {{ source('programme', 'severity_rule') }}
