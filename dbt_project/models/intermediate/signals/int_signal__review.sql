-- one row per public review
with review as (

    select * from {{ ref('stg_reviews__review') }}

)

select
    'review' as signal_kind,
    'reviews' as source,
    'review' as entity,
    review.review_id as source_key,
    cast(null as varchar) as instrument_id,
    review.posted_at as occurred_at,
    cast(null as varchar) as customer_id,
    review.site as channel,
    review.product,
    cast(null as varchar) as branch_id,
    cast(null as varchar) as region,
    review.language,
    cast(null as varchar) as organisation,
    case when review.rating is not null then 'rating' end as score_metric,
    review.rating as score_value,
    case when review.rating is not null then 1.0 end as score_min,
    case when review.rating is not null then 5.0 end as score_max,
    {{ normalised_score('review.rating', '1.0', '5.0', "'up'") }} as score_normalised,
    {{ joined_text(['review.title', 'review.body']) }} as text,
    'customer' as text_author,
    cast(null as varchar) as reason_code,
    cast(null as bigint) as escalation_level,
    cast(null as varchar) as related_type,
    cast(null as varchar) as related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    review._batch_id as changed_batch_id,
    review._source_file,
    review._line,
    review._row_hash,
    review._batch_id,
    review._loaded_at
from review
