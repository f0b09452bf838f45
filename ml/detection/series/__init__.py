"""One series at a time: anomalies as they come, change points in hindsight, with one set of parameters for all series."""
