"""Which answers a driver analysis compares, and what it adjusts for.

Belongs here: the selection in SQL and the matrices. Not here: estimating (`adjusted.py`) or telling (`drivers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.outputs import TRIGGER
from ml.root_cause.adjusted import Compared, dummies

if TYPE_CHECKING:
    import duckdb

Contrast = Literal["mentioned", "experienced"]
Level = Literal["theme", "cause"]

COVARIATES = ("segment", "channel", "region", "month", "language", "instrument_id")
_NEEDED = ("signal_id", "signal_kind", "occurred_at", "customer_id", "instrument_id", "score_metric",
           "score_normalised", "score_min", "score_max", "segment", "channel", "region", "language", "product",
           "branch_id", "text_author", "text_hash", "theme_id", "cause_id")  # fmt: skip

_TABLES = """
CREATE TABLE signal AS SELECT * EXCLUDE occurred_at, occurred_at::TIMESTAMP AS happened_at FROM given
WHERE occurred_at::TIMESTAMP <= $until;
CREATE TABLE answer AS SELECT *, strftime(happened_at, '%Y-%m') AS month FROM signal
WHERE signal_kind IN ('survey_response', 'review') AND score_normalised IS NOT NULL AND score_metric IS NOT NULL
AND happened_at > $until - to_days($window_days);
CREATE TABLE contact AS SELECT customer_id, happened_at, theme_id, cause_id FROM signal
WHERE signal_kind IN ('complaint', 'ticket', 'escalation') AND customer_id IS NOT NULL;
CREATE TABLE recent AS SELECT * FROM signal WHERE happened_at > $until - to_days($alert_days);
CREATE TABLE alert AS
SELECT coalesce(a.signal_id, a.trigger_id) AS id, any_value(a.cause_id) AS cause_id,
       any_value(coalesce(a.theme_id, s.theme_id)) AS theme_id
FROM given_alert AS a LEFT JOIN signal AS s ON a.signal_id = s.signal_id
WHERE a.kind <> 'excellence' AND a.occurred_at::TIMESTAMP <= $until
AND a.occurred_at::TIMESTAMP > $until - to_days($alert_days)
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class DriverParams:
    """Settings. Days count back from `as_of`, or from the answer for contacts before it."""

    window_days: int = 365
    alert_days: int = 90
    contact_days: int = 90
    # Customers needed with and without a subject; below that nothing is estimated.
    min_customers: int = 20
    # A level of a covariate under this many answers joins the others: a dummy for three answers only costs precision.
    min_level: int = 10
    # False discovery rate at which a difference is called one.
    q_limit: float = 0.05
    # The classify stage gives no theme or cause to an answer from this share of its scale on (clearly good); to compare
    # those as "does not mention it" would find an effect by construction. None when every text was read.
    read_below: float | None = 0.75
    replicates: int = 2_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """Comparable answers of one metric: scores on `scale`, the subjects and which answers have them (n, k).

    `below` is the highest score compared, where better answers were left out; None when none were.
    """

    data: Compared
    scale: tuple[float, float]
    subjects: tuple[str, ...]
    below: float | None

    def customers_with(self, subject: int) -> tuple[int, int]:
        """Different customers with and without a subject."""
        has = self.data.indicators[:, subject] > 0
        return len(np.unique(self.data.customers[has])), len(np.unique(self.data.customers[~has]))


def opened(
    signals: pa.Table, triggers: pa.Table | None, mentions: pa.Table | None, as_of: datetime, params: DriverParams
) -> duckdb.DuckDBPyConnection:
    """An in-memory database with `signal`, `answer`, `contact`, `mention`, `recent` and `alert`, all up to `as_of`."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("given", signals.select(list(_NEEDED)))
    connection.register("given_alert", triggers if triggers is not None else TRIGGER.empty_table())
    words = mentions if mentions is not None else signals
    connection.register("mention", words.select(["signal_id", "theme_id", "cause_id"]))
    values = {
        "$until": f"TIMESTAMP '{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'",
        "$window_days": str(int(params.window_days)),
        "$alert_days": str(int(params.alert_days)),
    }
    # Views of a moment, not statements with parameters: DuckDB binds none in several statements at once.
    statement = _TABLES
    for name, value in values.items():
        statement = statement.replace(name, value)
    connection.execute(statement)
    return connection


def metrics(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Metrics somebody answered, sorted."""
    found = connection.execute("SELECT DISTINCT score_metric FROM answer ORDER BY 1").fetchall()
    return [str(metric) for (metric,) in found]


def answers(
    connection: duckdb.DuckDBPyConnection,
    metric: str,
    contrast: Contrast,
    level: Level,
    params: DriverParams,
    *,
    every_text_read: bool,
) -> Answers:
    """Answers of a metric for one contrast, in order of signal_id.

    With one scale the scores are told on it, high always good; with several on 0 to 100.
    """
    limit = None if every_text_read or contrast == "experienced" else params.read_below
    rows = _rows(connection, metric, contrast, limit)
    column = f"{level}_id"
    pairs = _mentioned(connection, column) if contrast == "mentioned" else _experienced(connection, column, params)
    place = {signal_id: number for number, signal_id in enumerate(rows["signal_id"].to_pylist())}
    kept = sorted({(place[signal_id], subject) for signal_id, subject in pairs if signal_id in place})
    subjects = tuple(sorted({subject for _, subject in kept}))
    number = {subject: at for at, subject in enumerate(subjects)}
    indicators = np.zeros((rows.num_rows, len(subjects)))
    for row, subject in kept:
        indicators[row, number[subject]] = 1.0
    scale = _scale(rows)
    score = rows["score_normalised"].to_numpy().astype(np.float64) * (scale[1] - scale[0]) + scale[0]
    below = None if limit is None else scale[0] + limit * (scale[1] - scale[0])
    data = Compared(score, indicators, _covariates(rows, params.min_level), _numbered(rows["customer"]))
    return Answers(data, scale, subjects, below)


def _rows(connection: duckdb.DuckDBPyConnection, metric: str, contrast: Contrast, limit: float | None) -> pa.Table:
    """Mentioned: answers with words of the customer. Experienced: answers of known customers."""
    wanted = (
        "text_hash IS NOT NULL AND text_author = 'customer'" if contrast == "mentioned" else "customer_id IS NOT NULL"
    )
    if limit is not None:
        wanted += f" AND score_normalised < {limit}"
    if contrast == "mentioned":
        wanted += " AND signal_id IN (SELECT signal_id FROM mention)"
    return connection.execute(
        f"SELECT *, coalesce(customer_id, signal_id) AS customer FROM answer WHERE score_metric = ? AND {wanted} "
        "ORDER BY signal_id",
        [metric],
    ).to_arrow_table()


def _mentioned(connection: duckdb.DuckDBPyConnection, column: str) -> list[tuple[str, str]]:
    return connection.execute(f"SELECT signal_id, {column} FROM mention WHERE {column} IS NOT NULL").fetchall()


def _experienced(connection: duckdb.DuckDBPyConnection, column: str, params: DriverParams) -> list[tuple[str, str]]:
    return connection.execute(
        f"SELECT DISTINCT answer.signal_id, contact.{column} FROM answer INNER JOIN contact "
        "ON answer.customer_id = contact.customer_id AND contact.happened_at < answer.happened_at "
        f"AND contact.happened_at >= answer.happened_at - to_days({int(params.contact_days)}) "
        f"WHERE contact.{column} IS NOT NULL"
    ).fetchall()


def _scale(rows: pa.Table) -> tuple[float, float]:
    scales = set(zip(rows["score_min"].to_pylist(), rows["score_max"].to_pylist(), strict=True))
    if len(scales) == 1:
        lowest, highest = scales.pop()
        if lowest is not None and highest is not None:
            return float(lowest), float(highest)
    return 0.0, 100.0


def _covariates(rows: pa.Table, at_least: int) -> NDArray[np.float64]:
    columns = [
        dummies(np.array(rows[name].to_pylist(), dtype=object), at_least=at_least)
        for name in COVARIATES
        if rows.num_rows
    ]
    return np.column_stack(columns) if columns else np.zeros((rows.num_rows, 0))


def _numbered(customers: pa.ChunkedArray) -> NDArray[np.int64]:
    codes = customers.combine_chunks().dictionary_encode()
    return np.asarray(codes.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
