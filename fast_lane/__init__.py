"""The fast lane: from a row that arrives to its case within seconds, by the same SQL, models and rules as the batch lane.

Belongs here: what is done to the rows that came since the batch lane last looked, in memory, and the record of what was
decided. Not here: any SQL over signals (dbt compiles it), any model or rule (`ml/`), what a case is (`cases/`), or when the
lane runs (`orchestration/`). It never opens the warehouse file.
"""
