-- one row per label (label_id): what a person said a signal is about
select
    cast(label_id as varchar) as label_id,
    cast(signal_id as varchar) as signal_id,
    cast(question as varchar) as question,
    cast(value as varchar) as label_value,
    cast(basis as varchar) as basis,
    cast(labeller as varchar) as labeller,
    {{ utc('"at"') }} as labelled_at,
    cast(case_id as varchar) as case_id,
    cast(text_hash as varchar) as text_hash,
    cast(version as varchar) as programme_version,
    cast(supersedes as varchar) as supersedes_label_id,
    cast(reason as varchar) as asked_reason,
    cast(inclusion as double) as audit_inclusion,
    cast(model_value as varchar) as model_value,
    cast(model_confidence as double) as model_confidence,
    cast(model_id as varchar) as model_id
from {{ source('ledger', 'label') }}
