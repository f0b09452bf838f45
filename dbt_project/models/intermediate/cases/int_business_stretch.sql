-- one row per calendar, UTC day and stretch of it, open or shut (calendar_code, starts_at)
{{ business_stretches(ref('stg_programme__business_interval')) }}
