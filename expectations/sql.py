"""Small SQL pieces the suites share.

Belongs here: quoting and measures used by more than one suite. Not here: thresholds (`limits.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from expectations.canary import conditions
from expectations.limits import Limits
from expectations.suites import Check, Measure


def quoted(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def faults(name: str, parts: Iterable[tuple[str, str]]) -> Measure:
    """Which of the conditions hold in a row, one bit each (a condition that is null does not hold).

    Raises `ValueError` for more conditions than a 64-bit number has room for.
    """
    listed = tuple(parts)
    if len(listed) > 62:
        raise ValueError(f"{name}: {len(listed)} conditions do not fit one number")
    bits = (f"CASE WHEN {condition} THEN {1 << bit} ELSE 0 END" for bit, (_, condition) in enumerate(listed))
    return Measure(name, f"({' + '.join(bits)})::BIGINT", listed)


def in_range(column: str, low: float | None, high: float | None) -> Measure:
    """Where a number is below or above its bounds; infinities and NaN are above every bound."""
    value = f"{quoted(column)}::DOUBLE"
    parts = [("below", low, "<"), ("above", high, ">")]
    return faults(
        f"{column}_out", [(side, f"{value} {sign} {bound}") for side, bound, sign in parts if bound is not None]
    )


def complete(columns: Sequence[str]) -> Check:
    """No required column is null in any row."""
    parts = [(column, f"{quoted(column)} IS NULL") for column in columns]
    about = f"Required columns are filled: {', '.join(columns)}."
    return Check("complete", about, faults("missing_required", parts))


def redacted(columns: Sequence[str]) -> Check:
    """No column still carries an e-mail address, a phone number or a payment card number."""
    parts = [(f"{column}: {kind}", sql) for column in columns for kind, sql in conditions(quoted(column))]
    about = f"No e-mail address, phone number or card number is left in {', '.join(columns)}."
    return Check("redacted", about, faults("left_unredacted", parts))


def not_in_future(columns: Sequence[tuple[str, int]]) -> Check:
    """No (column, days) timestamp or date lies more than so many days after `as_of`."""
    parts = [(column, f"{quoted(column)} > $as_of::TIMESTAMPTZ + to_days({days})") for column, days in columns]
    about = f"Times are not in the future of the run: {', '.join(column for column, _ in columns)}."
    return Check("not_in_future", about, faults("in_future", parts))


def unique(column: str, about: str) -> Check:
    """Every value of a column occurs once; the window makes it exact however the rows are read."""
    repeated = f"{quoted(column)} IS NOT NULL AND count(*) OVER (PARTITION BY {quoted(column)}) > 1"
    return Check(f"unique__{column}", about, faults(f"{column}_repeated", [("repeated", repeated)]))


def columns_present(columns: Collection[str]) -> Check:
    """All columns of the contract exist; the runner fills in how many do not."""
    about = f"The table has its {len(columns)} columns."
    return Check("columns", about, Measure("columns_missing", "$columns_missing"), frame="facts", low=0, high=0)


def quarantine_share(limits: Limits) -> Check:
    """Quarantined rows of what was delivered; needs the number `quarantined`."""
    # Three broken rows among twenty are no changed export; a delivery of which nothing was left is one at any size.
    share = Measure("quarantine_share", "(SELECT $quarantined / nullif(count(*) + $quarantined, 0) FROM t_new "
                                        f"HAVING count(*) = 0 OR count(*) + $quarantined >= {limits.enough_rows})")  # fmt: skip
    about = "The share of delivered rows that went to quarantine is under its limit."
    return Check("quarantine_share", about, share, frame="facts", low=0, high=limits.quarantine_share, when_empty=True)


def volume_vs_previous(time_column: str | None, limits: Limits) -> Check:
    """Rows per day of the newest batch against the median of earlier ones.

    A batch covers the time between the 5th and 95th percentile of `time_column` (late and future rows do not stretch
    it), at least a day; so half a month, or ten years at once, is not an unusual volume. Without a time column rows
    are compared as they are.
    """
    days = "1"
    if time_column is not None:
        at = f"epoch({quoted(time_column)}::TIMESTAMPTZ)"
        days = f"greatest((quantile_cont({at}, 0.95) - quantile_cont({at}, 0.05)) / 0.9 / 86400, 1)"
    rates = f"(SELECT _batch_id AS b, count(*) AS size, count(*) / {days} AS n FROM t GROUP BY 1)"
    before = f"SELECT * FROM {rates} WHERE b < (SELECT max(_batch_id) FROM t) ORDER BY b DESC LIMIT {limits.batches}"
    newest = f"(SELECT {{0}} FROM {rates} ORDER BY b DESC LIMIT 1)"
    enough = (
        f"count(*) >= {limits.batches_needed} "
        f"AND greatest(median(size), {newest.format('size')}) >= {limits.volume_rows}"
    )
    ratio = f"(SELECT CASE WHEN {enough} THEN {newest.format('n')} / nullif(median(n), 0) END FROM ({before}))"
    unit = "rows per day" if time_column else "rows"
    about = f"The newest batch has a usual number of {unit} (compared with up to {limits.batches} before it)."
    return Check("volume_vs_previous", about, Measure("volume_ratio", ratio), frame="facts", severity="warn",
                 low=limits.volume_low, high=limits.volume_high)  # fmt: skip


def shift_vs_previous(column: str, limits: Limits) -> Check:
    """Total variation distance between a column's shares in the newest batch and in all earlier ones."""
    value = f"coalesce({quoted(column)}::VARCHAR, '')"
    counts = (
        f"SELECT {value} AS v, count(*) FILTER (WHERE _batch_id = (SELECT max(_batch_id) FROM t)) AS a, "
        "count(*) FILTER (WHERE _batch_id < (SELECT max(_batch_id) FROM t)) AS b FROM t GROUP BY 1"
    )
    totals = f"SELECT a, b, sum(a) OVER () AS all_a, sum(b) OVER () AS all_b FROM ({counts})"
    distance = (
        f"(SELECT sum(abs(a / all_a - b / all_b)) / 2 FROM ({totals}) "
        f"WHERE all_a >= {limits.enough_rows} AND all_b >= {limits.enough_rows})"
    )
    about = f"Values of {column} are spread in the newest batch as they were before."
    return Check(f"shift__{column}", about, Measure(f"shift_of_{column}", distance), frame="facts", severity="warn",
                 low=0, high=limits.shift)  # fmt: skip
