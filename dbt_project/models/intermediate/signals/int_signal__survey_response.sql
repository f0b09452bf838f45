-- one row per survey response
-- Scale and direction come from the programme: a survey it does not define has an answer but no metric.
with response as (

    select * from {{ ref('stg_qualtrics__response') }}

),

survey as (

    select * from {{ ref('stg_programme__survey') }}

),

ticket as (

    select * from {{ ref('stg_zendesk__ticket') }}

),

complaint as (

    select * from {{ ref('stg_complaints__complaint') }}

)

select
    'survey_response' as signal_kind,
    'qualtrics' as source,
    'response' as entity,
    response.response_id as source_key,
    response.survey_id as instrument_id,
    response.recorded_at as occurred_at,
    response.customer_id,
    response.channel,
    coalesce(ticket.product, complaint.product) as product,
    coalesce(ticket.branch_id, complaint.branch_id) as branch_id,
    coalesce(ticket.region, complaint.region) as region,
    lower(response.language) as language,
    cast(null as varchar) as organisation,
    case when response.score is not null then survey.metric end as score_metric,
    response.score as score_value,
    case when response.score is not null then survey.score_min end as score_min,
    case when response.score is not null then survey.score_max end as score_max,
    {{ normalised_score('response.score', 'survey.score_min', 'survey.score_max', 'survey.direction') }} as score_normalised,
    {{ joined_text(['response.comment']) }} as text,
    'customer' as text_author,
    cast(null as varchar) as reason_code,
    cast(null as bigint) as escalation_level,
    case
        when ticket.ticket_id is not null then 'ticket'
        when complaint.complaint_id is not null then 'complaint'
    end as related_type,
    response.related_id,
    cast(null as varchar) as company_response,
    cast(null as boolean) as is_timely,
    greatest(response._batch_id, coalesce(ticket._batch_id, -1), coalesce(complaint._batch_id, -1)) as changed_batch_id,
    response._source_file,
    response._line,
    response._row_hash,
    response._batch_id,
    response._loaded_at
from response
left join survey on response.survey_id = survey.survey_id
left join ticket on response.related_id = ticket.ticket_id
left join complaint on response.related_id = complaint.complaint_id
where not {{ is_test_response('response.status') }}
