"""Holding what was understood against the planted truth of a world.

Belongs here: reading both, and the figures. Not here: anything a company without a truth could use.
"""
