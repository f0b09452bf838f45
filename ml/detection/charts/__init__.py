"""Control charts over many daily series at once: what is usual, how unusual a day is, and when to say so.

Belongs here: panels of series, the filter that learns what is usual, chart statistics with limits from a stated run length,
alarms. Not here: how series are made from evidence (`ml/detection/panels.py`) or which alarms belong together
(`ml/detection/grouping.py`).
"""
