-- one row per signal (signal_id): the hand-over `int_signal` as a query, for the fast lane, which has no file to hand over
{{ signal_handoff(ref('int_signal_label')) }}
