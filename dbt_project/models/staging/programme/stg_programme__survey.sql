-- one row per survey the programme defines (survey_id)
select
    cast(survey_id as varchar) as survey_id,
    cast(metric as varchar) as metric,
    cast(score_min as double) as score_min,
    cast(score_max as double) as score_max,
    cast(direction as varchar) as direction
from {{ source('programme', 'survey') }}
