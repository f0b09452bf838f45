"""Runs the case engine: programme, clock, staff and ledger put together once, for command line, API and Dagster alike.

Its modules stand on the ledger's tables, which Django only lets be imported once it is configured; so this room sees to
that first, with the settings of the environment, unless somebody has.
"""

from __future__ import annotations

from cases import conf

conf.ensure_configured()
