"""Business time of 1,000,000 tickets in SQL: our prefix sums against the spines in common use, on the same tickets.

Ours: the macros of `dbt_project/macros/business_time.sql`, rendered as dbt renders them, over the table the programme is
compiled to. Stock: (week) the way of the Zendesk package for dbt: tickets are crossed with numbered weeks and met with a
weekly schedule and its validity; (interval) tickets are joined to every open interval they touch; (minute) tickets are
joined to every open minute they last. Week and ours run on all tickets, interval and minute on as many as they can manage;
each ratio compares equal work on equal tickets, the closing `ratio` is the one against the minute spine, and the other two
stand beside it. All arms write their answer to a table. Guard: every arm gives the same seconds for every ticket it is given,
and ours equals the Python clock on a sample, due times included.
Run: `python -m benchmarks.sla_clock`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Runs, finish, interleave, ratio
from models.business_time import Calendar, add_business_seconds, business_seconds

TICKETS = 1_000_000
MACROS = Path(__file__).parents[1] / "dbt_project" / "macros"
PROGRAMME = Path(__file__).parents[1] / "programme" / "bank"
TARGET_SECONDS = 4 * 3600
# Some three weeks until a complaint is resolved; exponential, so that most tickets are short and some last months.
MEAN_DAYS = 14


class _Adapter:
    """What `adapter` means to our macros: the default implementation of a name."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def dispatch(self, name: str, _package: str) -> Callable[..., str]:
        found: Callable[..., str] = self._names[f"default__{name}"]
        return found


def macros() -> dict[str, Callable[..., str]]:
    """The macros of the warehouse about time, callable from Python with the text dbt would get."""
    from jinja2 import Environment

    names: dict[str, Any] = {"return": lambda value: value}
    names["adapter"] = _Adapter(names)
    for file in ("time.sql", "business_time.sql"):
        template = Environment(autoescape=False).from_string((MACROS / file).read_text(encoding="utf-8"), globals=names)
        module = template.make_module()
        names.update({name: value for name, value in vars(module).items() if not name.startswith("_")})
    return names


def prepare(tickets: int) -> tuple[Any, Calendar]:
    """A database with tickets, our tables and the spines of the stock ways (making spines is not measured)."""
    import duckdb

    from intake.programme import load_programme, programme_tables

    programme = load_programme(PROGRAMME)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 2; SELECT setseed(0.5)")
    compiled = programme_tables(programme)["business_interval"]
    connection.register("compiled", compiled)
    connection.execute("CREATE TABLE business_interval AS SELECT * REPLACE (" + ", ".join(
        f"{name} AT TIME ZONE 'UTC' AS {name}" for name in ("starts_at", "ends_at", "horizon_starts_at", "horizon_ends_at")
    ) + ") FROM compiled")  # fmt: skip
    connection.execute(
        f"CREATE TABLE stretch AS {macros()['business_stretches']('business_interval')} ORDER BY 1, 2, 3"
    )
    connection.execute(f"""
        CREATE TABLE ticket AS
        SELECT i AS ticket_id, 'default' AS calendar, opened_at AS started_at,
            opened_at + to_seconds(CAST(-ln(1 - random()) * {MEAN_DAYS} * 86400 AS BIGINT)) AS stopped_at
        FROM (SELECT i, TIMESTAMP '2023-01-01' + to_seconds(CAST(random() * 3 * 365 * 86400 AS BIGINT)) AS opened_at
              FROM range({tickets}) t(i))""")
    for spine in (WEEKLY_SCHEDULE, MINUTES):
        connection.execute(spine)
    return connection, programme.sla.calendars[0]


# The week pattern of each run of equal weeks, in seconds since Monday: what the package keeps as its schedule.
WEEKLY_SCHEDULE = """
    CREATE TABLE schedule AS
    WITH week AS (
        SELECT calendar_code, date_trunc('week', starts_at) AS week_at,
            list({'opens': epoch(starts_at)::BIGINT - epoch(date_trunc('week', starts_at))::BIGINT,
                  'shuts': epoch(ends_at)::BIGINT - epoch(date_trunc('week', starts_at))::BIGINT} ORDER BY starts_at) AS pattern
        FROM business_interval GROUP BY ALL),
    run AS (
        SELECT *, row_number() OVER (PARTITION BY calendar_code ORDER BY week_at)
            - row_number() OVER (PARTITION BY calendar_code, pattern ORDER BY week_at) AS number FROM week),
    version AS (
        SELECT calendar_code, pattern, min(week_at) AS valid_from, max(week_at) + INTERVAL 7 DAY AS valid_until
        FROM run GROUP BY calendar_code, pattern, number)
    SELECT calendar_code, valid_from, valid_until, part.opens, part.shuts FROM (SELECT *, unnest(pattern) AS part FROM version)"""
MINUTES = """
    CREATE TABLE minute AS
    SELECT calendar_code, unnest(generate_series(starts_at, ends_at - INTERVAL 1 MINUTE, INTERVAL 1 MINUTE)) AS minute_at
    FROM business_interval WHERE starts_at >= '2022-12-01' AND starts_at < '2028-01-01'"""


def ours() -> str:
    """Two look-ups per ticket."""
    made = macros()
    return f"""
        SELECT ticket.ticket_id, {made["business_seconds"]("a", "ticket.started_at", "b", "ticket.stopped_at")} AS seconds
        FROM chosen AS ticket
        {made["join_stretch"]("a", "ticket.calendar", "ticket.started_at", "stretch")}
        {made["join_stretch"]("b", "ticket.calendar", "ticket.stopped_at", "stretch")}"""


def due() -> str:
    """When the target is used up."""
    made = macros()
    return f"""
        SELECT wish.ticket_id, {made["moment_reached"]("c", "wish.wanted")} AS due_at
        FROM (
            SELECT ticket.*, {made["open_seconds_up_to"]("a", "ticket.started_at")} + {TARGET_SECONDS} AS wanted
            FROM chosen AS ticket {made["join_stretch"]("a", "ticket.calendar", "ticket.started_at", "stretch")}
        ) AS wish
        {made["join_reach"]("c", "wish.calendar", "wish.wanted", "business_interval")}"""


# 208 weeks and the join are the package's; it counts in minutes and lets a boundary day meet two schedules, which we do not.
WEEK_SPINE = """
    WITH span AS (
        SELECT *, date_trunc('week', started_at) AS week_at,
            epoch(started_at)::BIGINT - epoch(date_trunc('week', started_at))::BIGINT AS offset_seconds,
            epoch(stopped_at)::BIGINT - epoch(started_at)::BIGINT AS length_seconds
        FROM chosen),
    weeks AS (SELECT CAST(range AS INTEGER) AS number FROM range(208)),
    crossed AS (
        SELECT span.*, number FROM span CROSS JOIN weeks
        WHERE floor((offset_seconds + length_seconds) / 604800) >= number),
    period AS (
        SELECT *, greatest(0, offset_seconds - number * 604800) AS begins,
            least(offset_seconds + length_seconds - number * 604800, 604800) AS finishes,
            week_at + to_seconds(number * 604800) AS this_week_at
        FROM crossed),
    met AS (
        SELECT period.ticket_id, least(finishes, shuts) - greatest(begins, opens) AS part
        FROM period JOIN schedule ON begins <= shuts AND finishes >= opens AND period.calendar = schedule.calendar_code
            AND this_week_at >= valid_from AND this_week_at < valid_until)
    SELECT ticket_id, sum(part) AS seconds FROM met GROUP BY ticket_id"""
INTERVAL_SPINE = """
    SELECT ticket.ticket_id,
        sum(epoch(least(stopped_at, ends_at))::BIGINT - epoch(greatest(started_at, starts_at))::BIGINT) AS seconds
    FROM chosen AS ticket JOIN business_interval AS open
        ON ticket.calendar = open.calendar_code AND starts_at < stopped_at AND ends_at > started_at
    GROUP BY ticket.ticket_id"""
# To the second although it counts minutes: whole minutes inside, and the two broken ones cut.
MINUTE_SPINE = """
    SELECT ticket.ticket_id, sum(epoch(least(stopped_at, minute_at + INTERVAL 1 MINUTE))::BIGINT
        - epoch(greatest(started_at, minute_at))::BIGINT) AS seconds
    FROM chosen AS ticket JOIN minute
        ON ticket.calendar = minute.calendar_code AND minute_at < stopped_at AND minute_at > started_at - INTERVAL 1 MINUTE
    GROUP BY ticket.ticket_id"""
STOCK = {"week": WEEK_SPINE, "interval": INTERVAL_SPINE, "minute": MINUTE_SPINE}


def run(connection: Any, name: str, query: str) -> None:
    """Answer a question into a table of that name."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")


def compare(connection: Any, stock: str, tickets: int, rounds: int) -> tuple[dict[str, Runs], int]:
    """Both arms in turns on the first `tickets` tickets; their runs, and how many tickets they disagree on."""
    connection.execute(f"CREATE OR REPLACE TABLE chosen AS SELECT * FROM ticket WHERE ticket_id < {tickets}")
    arms = {
        "ours": partial(run, connection, "answer_ours", ours()),
        stock: partial(run, connection, "answer_stock", STOCK[stock]),
    }
    runs = interleave(arms, rounds=rounds)
    # A ticket that touches no open time is missing from the answer of a spine; it counts as zero there.
    (wrong,) = connection.execute("""
        SELECT count(*) FROM chosen LEFT JOIN answer_ours USING (ticket_id) LEFT JOIN answer_stock USING (ticket_id)
        WHERE answer_ours.seconds IS DISTINCT FROM coalesce(answer_stock.seconds, 0)""").fetchone()
    print(f"{stock} spine, {tickets} tickets", *(measured.line() for measured in runs.values()), sep="\n", flush=True)
    return runs, int(wrong)


def unlike_python(connection: Any, calendar: Calendar, sample: int) -> int:
    """Tickets of a sample for which SQL and Python say different seconds or a different due time."""
    connection.execute("CREATE OR REPLACE TABLE chosen AS SELECT * FROM ticket")
    run(connection, "answer_ours", ours())
    run(connection, "answer_due", due())
    rows = connection.execute(f"""
        SELECT started_at, stopped_at, seconds, due_at FROM ticket JOIN answer_ours USING (ticket_id)
            JOIN answer_due USING (ticket_id) ORDER BY hash(ticket_id) LIMIT {sample}""").fetchall()
    return sum(_differs(calendar, *row) for row in rows)


def _differs(calendar: Calendar, start: datetime, end: datetime, seconds: int, due_at: datetime) -> bool:
    start, end, due_at = (moment.replace(tzinfo=UTC) for moment in (start, end, due_at))
    same_due = add_business_seconds(calendar, start, TARGET_SECONDS) == due_at
    return business_seconds(calendar, start, end) != seconds or not same_due


def main() -> None:
    """Compare, print, and end with the closing line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tickets", type=int, default=TICKETS)
    parser.add_argument("--interval-tickets", type=int, default=100_000)
    parser.add_argument("--minute-tickets", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=20_000)
    options = parser.parse_args()
    print(__doc__)
    connection, calendar = prepare(options.tickets)
    sizes = {"week": options.tickets, "interval": options.interval_tickets, "minute": options.minute_tickets}
    met = {stock: compare(connection, stock, size, options.rounds) for stock, size in sizes.items()}
    python_faults = unlike_python(connection, calendar, options.sample)
    wrong = sum(faults for _, faults in met.values()) + python_faults
    ratios = {stock: ratio(runs[stock].cpu, runs["ours"].cpu) for stock, (runs, _) in met.items()}
    million = met["week"][0]["ours"]
    finish("sla_clock", ratios["minute"], guard=wrong == 0, minute_spine_tickets=sizes["minute"],
           week_spine_ratio=ratios["week"], week_spine_tickets=sizes["week"], interval_spine_ratio=ratios["interval"],
           interval_spine_tickets=sizes["interval"], ours_cpu_s=million.cpu, ours_wall_s=million.wall,
           week_cpu_s=met["week"][0]["week"].cpu, tickets_that_differ=wrong, python_sample=options.sample)  # fmt: skip


if __name__ == "__main__":
    main()
