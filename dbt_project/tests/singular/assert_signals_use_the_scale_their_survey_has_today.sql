-- Catches an answer that kept the scale it was first read on after the business defined or corrected its survey.
select
    signals.signal_id,
    signals.instrument_id
from {{ ref('int_signal') }} as signals
left join {{ ref('stg_programme__survey') }} as surveys on signals.instrument_id = surveys.survey_id
where
    (signals.source = 'qualtrics' or (signals.source = 'feedback' and signals.instrument_id is not null))
    and signals.score_value is not null
    and (
        signals.score_metric is distinct from surveys.metric
        or signals.score_min is distinct from surveys.score_min
        or signals.score_max is distinct from surveys.score_max
    )
