"""Daily series out of the evidence: what is counted, against how many chances, on which days.

Belongs here: complaints per active customer and scores per answer, cut by theme or cause, segment and region, and
which days were delivered at all. Not here: charts (`charts/`), delays (`delays.py`), or what alarms mean
(`breakdowns.py`).

A day is a UTC day that has ended by the instant of the look. What a later delivery adds never changes which rows an
earlier day had, so looking day by day and looking once at the end see the same series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.detection.evidence import Evidence
from models.chart import Chart, Dimension
from models.signal import OWN_SOURCE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EPOCH = date(1970, 1, 1)
# A run of days without a row of a source that usually brings this many in as long a time was not delivered: such a run
# comes about by chance less than once in a hundred thousand (exp(-12)), even of rows that come in threes once in 50.
_SILENT = 12.0
# Days a source's usual volume is taken from.
_USUAL_DAYS = 28
# Kinds of signal in which customers report that something went wrong. Escalations repeat a complaint already counted.
COMPLAINT_KINDS = ("complaint", "ticket", "service_request")


@dataclass(frozen=True, slots=True)
class Key:
    """What one series is about; a dimension that is None is not cut by. `subject` is the theme or cause."""

    subject: str | None = None
    segment: str | None = None
    region: str | None = None

    @property
    def depth(self) -> int:
        """How many dimensions it is cut by; 0 is everything."""
        return sum(part is not None for part in (self.subject, self.segment, self.region))

    def covers(self, other: Key) -> bool:
        """Whether everything `other` counts is counted here too."""
        pairs = ((self.subject, other.subject), (self.segment, other.segment), (self.region, other.region))
        return all(own is None or own == theirs for own, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Rows:
    """Single observations: `day` (days since 1970), `value`, codes per dimension (-1 unknown) and their names."""

    day: Ints
    value: Floats
    codes: dict[Dimension, Ints]
    names: dict[Dimension, list[str]]
    signal_id: pa.Array
    customer_id: pa.Array


@dataclass(frozen=True, slots=True)
class Grid:
    """Series (rows) by consecutive days (columns) from `first_day`.

    `n` are chances (customers, answers), `total` the sum of outcomes, `squares` the sum of their squares (None for
    counts), `valid` (days,) whether every source of the measure was delivered.
    """

    keys: tuple[Key, ...]
    first_day: date
    n: Floats
    total: Floats
    squares: Floats | None
    valid: Flags

    @property
    def days(self) -> int:
        """Number of days."""
        return int(self.n.shape[1])


def last_day(as_of: datetime) -> date:
    """The last UTC day that had ended at `as_of`. Raises ValueError without a time zone."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return as_of.astimezone(UTC).date() - timedelta(days=1)


def observations(evidence: Evidence, chart: Chart, *, as_of: datetime) -> Rows:
    """The single complaints or answers a chart counts, up to the last ended day; without our own notes and doubles."""
    signals = _wanted(evidence.fct_signal, chart, as_of)
    days = days_of(signals.column("occurred_at"))
    codes: dict[Dimension, Ints] = {}
    names: dict[Dimension, list[str]] = {}
    for dimension in chart.by:
        codes[dimension], names[dimension] = _coded(_column(signals, dimension))
    value = np.ones(len(days)) if chart.measure == "complaints" else _scores(signals, chart)
    found = Rows(days, value, codes, names, _column(signals, "signal_id"), _column(signals, "customer_id"))
    return _once_a_day(found) if chart.measure == "complaints" else found


def grid(evidence: Evidence, chart: Chart, *, as_of: datetime) -> Grid | None:
    """The series of a chart; None where there is nothing to see yet."""
    if chart.measure == "delay":
        from ml.detection.delays import delay_grid

        return delay_grid(evidence, chart, as_of=as_of)
    rows = observations(evidence, chart, as_of=as_of)
    if not len(rows.day):
        return None
    first, days = EPOCH + timedelta(days=int(rows.day.min())), 1 + (last_day(as_of) - EPOCH).days - int(rows.day.min())
    parts = [_cut(rows, cut, first, days, evidence, chart) for cut in chart.cuts]
    keys = tuple(key for part in parts for key in part.keys)
    squares = (
        None if parts[0].squares is None else np.vstack([part.squares for part in parts if part.squares is not None])
    )
    valid = delivered(evidence.fct_signal, chart, first, days, as_of=as_of)
    return Grid(
        keys, first, np.vstack([part.n for part in parts]), np.vstack([part.total for part in parts]), squares, valid
    )


def _wanted(signals: pa.Table, chart: Chart, as_of: datetime) -> pa.Table:
    """Rows of the measure up to the end of the last ended day, of others than ourselves."""
    ends = datetime.combine(last_day(as_of) + timedelta(days=1), datetime.min.time(), UTC)
    occurred = _utc(signals.column("occurred_at"))
    keep = pc.less(occurred, pa.scalar(ends, pa.timestamp("us", tz="UTC")))
    keep = pc.and_(keep, _is_measure(signals, chart))
    return signals.set_column(signals.schema.get_field_index("occurred_at"), "occurred_at", occurred).filter(keep)


def _is_measure(signals: pa.Table, chart: Chart) -> pa.ChunkedArray:
    ours = pc.equal(_column(signals, "source"), OWN_SOURCE)
    theirs = pc.invert(pc.fill_null(ours, False))
    if chart.measure in ("complaints", "delay"):
        kinds = pa.array(COMPLAINT_KINDS, pa.string())
        return pc.and_(theirs, pc.fill_null(pc.is_in(_column(signals, "signal_kind"), value_set=kinds), False))
    is_metric = pc.fill_null(pc.equal(_column(signals, "score_metric"), chart.measure), False)
    return pc.and_(theirs, pc.and_(is_metric, pc.is_valid(_column(signals, "score_normalised"))))


def _scores(signals: pa.Table, chart: Chart) -> Floats:
    """Points per answer: NPS counts promoters 100 and detractors -100, the others run from 0 to 100, more is better."""
    score: Floats = np.asarray(signals.column("score_normalised").to_numpy(zero_copy_only=False), dtype=np.float64)
    if chart.measure != "nps":
        return 100.0 * score
    # Half a point of tolerance on the scale of ten: nine tenths may have been rounded on the way.
    points: Floats = np.where(score > 0.85, 100.0, np.where(score < 0.65, -100.0, 0.0))
    return points


def _once_a_day(rows: Rows) -> Rows:
    """A customer who complains of one matter twice on a day counts once; who is not known by number counts each time."""
    subject = next((code for name, code in rows.codes.items() if name in ("theme_id", "cause_id")), None)
    known, names = _coded(rows.customer_id)
    who = np.where(known >= 0, known, len(names) + np.arange(len(known)))
    parts = [rows.day, who] + ([] if subject is None else [subject])
    _, first = np.unique(np.stack(parts), axis=1, return_index=True)
    chosen = np.sort(first)
    return Rows(
        rows.day[chosen],
        rows.value[chosen],
        {name: code[chosen] for name, code in rows.codes.items()},
        rows.names,
        rows.signal_id.take(pa.array(chosen)),
        rows.customer_id.take(pa.array(chosen)),
    )


def cells(rows: Rows, cut: Sequence[Dimension]) -> tuple[tuple[Key, ...], Ints]:
    """Series of one combination of dimensions and the place of each row among them; -1 where a dimension is unknown."""
    place, known = np.zeros(len(rows.day), np.int64), np.ones(len(rows.day), np.bool_)
    for name in cut:
        place = place * len(rows.names[name]) + np.maximum(rows.codes[name], 0)
        known &= rows.codes[name] >= 0
    shape = tuple(len(rows.names[name]) for name in cut)
    keys = tuple(_key(cut, rows, index) for index in np.ndindex(*shape)) if cut else (Key(),)
    return keys, np.where(known, place, -1)


def _cut(rows: Rows, cut: Sequence[Dimension], first: date, days: int, evidence: Evidence, chart: Chart) -> Grid:
    keys, place = cells(rows, cut)
    inside = place >= 0
    cell = (place * days + rows.day - (first - EPOCH).days)[inside]
    value = rows.value[inside]

    def added(weights: Floats | None) -> Floats:
        return np.bincount(cell, weights, len(keys) * days).reshape(len(keys), days).astype(np.float64)

    unused = np.ones(days, np.bool_)
    if chart.measure == "complaints":
        return Grid(keys, first, exposed(evidence.exposure, keys, first, days), added(None), None, unused)
    return Grid(keys, first, added(None), added(value), added(value**2), unused)


def _key(cut: Sequence[Dimension], rows: Rows, index: tuple[int, ...]) -> Key:
    named = {name: rows.names[name][place] for name, place in zip(cut, index, strict=True)}
    return Key(named.get("theme_id") or named.get("cause_id"), named.get("segment"), named.get("region"))


def exposed(exposure: pa.Table | None, keys: Sequence[Key], first: date, days: int) -> Floats:
    """Active customers per series and day; all ones where no customer is known, so that counts are compared as they are.

    A day the customer data does not reach yet has the customers of the last day it does.
    """
    found = np.zeros((len(keys), days))
    if exposure is None or not exposure.num_rows:
        return np.ones_like(found)
    day = exposure.column("exposed_on").cast(pa.date32()).cast(pa.int32()).to_numpy(zero_copy_only=False)
    place = day.astype(np.int64) - (first - EPOCH).days
    count = exposure.column("customers").to_numpy(zero_copy_only=False).astype(np.float64)
    parts = {name: np.asarray(exposure.column(name).to_pylist(), dtype=object) for name in ("segment", "region")}
    inside = (place >= 0) & (place < days)
    series: dict[tuple[str | None, str | None], Floats] = {}
    for row, key in enumerate(keys):
        group = (key.segment, key.region)
        if group not in series:
            keep = inside & (key.segment is None or parts["segment"] == key.segment)
            keep &= key.region is None or parts["region"] == key.region
            series[group] = _carried(np.bincount(place[keep], count[keep], days).astype(np.float64), place)
        found[row] = series[group]
    return found


def _carried(customers: Floats, place: Ints) -> Floats:
    """The last known day goes on; a group nobody belongs to counts as one customer, so that a rate exists."""
    reach = int(place.max()) + 1
    if 0 < reach < len(customers):
        customers[reach:] = customers[reach - 1]
    return np.maximum(customers, 1.0)


def delivered(fct_signal: pa.Table, chart: Chart, first: date, days: int, *, as_of: datetime) -> Flags:
    """(days,) whether every source that brings the measure had brought that day: not before its first row, not after
    its last, and not within a silence its usual volume makes impossible."""
    signals = _wanted(fct_signal, chart, as_of)
    source, names = _coded(_column(signals, "source"))
    place = days_of(signals.column("occurred_at")) - (first - EPOCH).days
    inside = place >= 0
    whole = np.ones(days, np.bool_)
    for number in range(len(names)):
        counts = np.bincount(place[inside & (source == number)], minlength=days)[:days].astype(np.float64)
        if counts.any():
            whole &= heard(counts)
    return whole


def heard(counts: Floats) -> Flags:
    """(days,) whether a source of these daily rows had brought the day."""
    seen = [int(day) for day in np.flatnonzero(counts)]
    found = np.zeros(len(counts), np.bool_)
    if seen:
        found[seen[0] : seen[-1] + 1] = True
    for before, after in pairwise(seen):
        usual = counts[max(0, before - _USUAL_DAYS + 1) : before + 1].mean()
        if (after - before - 1) * usual >= _SILENT:
            found[before + 1 : after] = False
    return found


def _column(table: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    return table.column(name) if name in table.column_names else pa.nulls(table.num_rows, pa.string())


def _coded(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, list[str]]:
    """Codes (-1 unknown) into sorted names, so that the order of rows changes nothing."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    names = sorted(name for name in pc.unique(whole).to_pylist() if name is not None)
    codes = pc.index_in(whole, value_set=pa.array(names, whole.type))
    return pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int64), names


def _utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    zoned = pa.timestamp("us", tz="UTC")
    return column.cast(zoned) if column.type.tz else pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC")


def days_of(occurred: pa.ChunkedArray) -> Ints:
    """Days since 1970 (UTC) of timestamps; those without a zone are UTC."""
    micros = _utc(occurred).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(micros // 86_400_000_000, dtype=np.int64)
