"""Backtest of trigger rules: what a folder's rules would have opened in a past window, beside the rules in force.

Belongs here: opening cases on a throw-away ledger (`apart.py`, `child.py`), what became of the people concerned
(`aftermath.py`), the figures (`measures.py`, `intervals.py`) and the whole report (`report.py`). Not here: finding
triggers (`ml/detection/replay.py`; this room does not know ml, so whoever calls hands the finding in) or drawing
(`ml/detection/backtest_figures.py`).
"""
