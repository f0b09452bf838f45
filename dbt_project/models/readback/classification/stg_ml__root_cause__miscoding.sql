-- one row per coded text the model could judge (signal_id): what people coded and what the words suggest
select
    cast(signal_id as varchar) as signal_id,
    cast(coded_cause_id as varchar) as coded_cause_id,
    cast(suggested_cause_id as varchar) as suggested_cause_id,
    cast(coded_share as double) as coded_share,
    cast(suggested_share as double) as suggested_share,
    cast(is_finding as boolean) as is_finding
from {{ source('ml', 'ml_root_cause__miscoding') }}
