"""What each stage of the loop left behind, counted in the stores themselves, as one sentence per stage.

Belongs here: counting for people. Not here: measures anybody decides by (those are marts with a definition). A stage
whose tables are empty gets no sentence: the caller says "no data for this stage".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.settings import Settings
from publishing.publish import open_warehouse
from publishing.read import NothingPublished, current

if TYPE_CHECKING:
    import duckdb

_CLASSIFY = """
    select
        count(*) filter (where severity is not null),
        count(*) filter (where cause_id is not null),
        count(distinct cause_id),
        count(distinct theme_id),
        count(*) filter (where severity <= 2)
    from fct_signal
"""
_DETECT = "select count(*), count(distinct rule_id), count(*) filter (where kind = 'breakdown') from fct_trigger"
_ROUTE = """
    select
        count(*),
        count(*) filter (where case_kind = 'recovery'),
        count(*) filter (where case_kind = 'breakdown'),
        count(*) filter (where case_kind = 'excellence'),
        count(*) filter (where team is null)
    from fct_case
"""
_TRACK = """
    select
        count(*) filter (where is_recovered),
        count(*) filter (where is_recovered is not null),
        count(*)
    from fct_case_outcome
    where case_kind = 'recovery'
"""
_RESPOND = """
    select
        count(*) filter (where state in ('new', 'assigned', 'in_progress', 'waiting_for_customer')),
        count(*) filter (where state in ('new', 'assigned', 'in_progress', 'waiting_for_customer') and owner_id is not null),
        sum(escalations)
    from fct_case
"""
# Per source, never added up: an agency's complaints and our own cases are timely in different senses.
_TIMELY = """
    select source, sum(timely), sum(denominator)
    from agg_timeliness_month
    group by source
    having sum(denominator) > 0
    order by source
"""


def stage_facts(settings: Settings) -> dict[str, str]:
    """One sentence per stage that has data. Raises `duckdb.Error` when a mart of the current build is absent."""
    with open_warehouse(settings.warehouse) as connection:
        facts = {
            "listen": _listen(settings, connection),
            "classify": _classify(connection),
            "detect": _detect(connection),
            "route": _route(connection),
            "respond": _respond(connection),
            "track": _track(connection),
            "report": _report(settings),
        }
    return {stage: sentence for stage, sentence in facts.items() if sentence}


def row_counts(warehouse: Path, tables: Sequence[str]) -> dict[str, int]:
    """Rows of those of `tables` that the warehouse has; none when it does not exist yet."""
    if not warehouse.exists() or not tables:
        return {}
    with open_warehouse(warehouse) as connection:
        there = {row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()}
        return {name: _row(connection, f'select count(*) from "{name}"')[0] for name in tables if name in there}


def _listen(settings: Settings, connection: duckdb.DuckDBPyConnection) -> str:
    registry = sqlite3.connect(f"file:{settings.intake_db}?mode=ro", uri=True)
    try:
        totals = registry.execute(
            "select count(*), count(distinct source), sum(rows), sum(loaded), sum(quarantined), sum(duplicates) from deliveries"
        ).fetchone()
    finally:
        registry.close()
    files, sources, rows, loaded, quarantined, duplicates = (int(value or 0) for value in totals)
    signals = _row(connection, "select count(*) from int_signal")[0]
    if not files:
        return ""
    return (
        f"{files:,} files from {sources} sources: {rows:,} rows = {loaded:,} loaded + {quarantined:,} quarantined "
        f"+ {duplicates:,} duplicates; {signals:,} signals"
    )


def _classify(connection: duckdb.DuckDBPyConnection) -> str:
    graded, caused, causes, themes, severe = _row(connection, _CLASSIFY)
    if not graded:
        return ""
    return f"{graded:,} signals graded, {severe:,} severe; {caused:,} with one of {causes} root causes; {themes} themes"


def _detect(connection: duckdb.DuckDBPyConnection) -> str:
    triggers, rules, breakdowns = _row(connection, _DETECT)
    return f"{triggers:,} triggers from {rules} rules, {breakdowns:,} of them breakdowns" if triggers else ""


def _route(connection: duckdb.DuckDBPyConnection) -> str:
    cases, recovery, breakdown, excellence, unassigned = _row(connection, _ROUTE)
    if not cases:
        return ""
    kinds = f"{recovery:,} recovery, {breakdown:,} breakdown, {excellence:,} excellence"
    return f"{cases:,} cases in the ledger ({kinds}); {unassigned:,} without a team"


def _respond(connection: duckdb.DuckDBPyConnection) -> str:
    still_open, owned, escalations = _row(connection, _RESPOND)
    if not still_open:
        return ""
    return f"{owned:,} of {still_open:,} open cases have an owner; {escalations or 0:,} escalations so far"


def _track(connection: duckdb.DuckDBPyConnection) -> str:
    recovered, known, cases = _row(connection, _TRACK)
    parts = []
    if known:
        parts.append(
            f"{recovered:,} of {known:,} recovery cases with a known outcome recovered ({cases - known:,} unknown)"
        )
    elif cases:
        parts.append(f"outcomes of {cases:,} recovery cases: no data for this stage")
    for source, timely, decided in connection.execute(_TIMELY).fetchall():
        parts.append(f"{source}: {timely:,} of {decided:,} in time")
    return "; ".join(parts)


def _report(settings: Settings) -> str:
    try:
        build = current(settings.published)
    except NothingPublished:
        return ""
    rows = sum(mart.rows for mart in build.marts)
    return f"build {build.build_id}: {len(build.marts)} tables, {rows:,} rows, as of {build.as_of:%Y-%m-%d}"


def _row(connection: duckdb.DuckDBPyConnection, question: str) -> tuple[Any, ...]:
    found = connection.execute(question).fetchone()
    return found if found is not None else ()
