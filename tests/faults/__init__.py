"""Faults: real processes killed, real files filled up, real deliveries repeated; `python -m tests.faults` runs them all.

Belongs here: what is done to the platform and how its ledgers are counted afterwards. Not here: tests of one function.
A line per fault says how many kills there were, what was expected, what was found, and what was doubled or lost.
"""
