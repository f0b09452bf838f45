"""Values are typed by the contract; each fault is named and no value is repeated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.reasons import SENTENCES, Reason, value_class
from intake.typing_sql import any_fault, typed_sql
from models.contract import Column, SourceContract


def one_column(**column):
    columns = (
        Column(name="id", type="text", required=True, description="Number of the row."),
        Column(name="x", description="The value that is tried.", **column),
    )
    return SourceContract(
        source="t",
        entity="t",
        format="csv",
        grain="One row per row.",
        description="For tests.",
        owner="me",
        key=("id",),
        columns=columns,
    )


def typed(values, latest=date(2025, 6, 30), **column):
    contract = one_column(**column)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = pa.table(
            [
                pa.array([str(n) for n in range(len(values))]),
                pa.array(values, type=pa.string()),
                pa.array(range(len(values)), type=pa.int64()),
                pa.array(range(len(values)), type=pa.int64()),
            ],
            names=["c0", "c1", "line", "i"],
        )
        connection.register("chunk", table)
        connection.execute(typed_sql(contract, timezone=None, latest=latest))
        rows = connection.execute(f"SELECT v1, f1, {any_fault(contract)} FROM typed ORDER BY i").fetchall()
    return [fault if bad else value for value, fault, bad in rows]


def test_whole_numbers_are_never_rounded_into_being():
    assert typed(["7", " 7 ", "7.0", "1.5", "1e3", "seven", ""], type="integer") == [
        7,
        7,
        7,
        "not_an_integer",
        "not_an_integer",
        "not_an_integer",
        None,
    ]


def test_numbers_exclude_nan_and_infinity():
    assert typed(["1.5", "-2", "nan", "inf"], type="number") == [1.5, -2.0, "not_a_number", "not_a_number"]


def test_money_with_a_third_decimal_is_a_fault_and_not_rounded():
    values = typed(["$1,234.50", "-3", "1.005", "1,23"], type="money")
    assert [str(v) for v in values] == ["1234.50", "-3.00", "not_money", "not_money"]


def test_booleans_come_in_many_spellings():
    assert typed(["true", "No", "Y", "0", "maybe"], type="boolean") == [True, False, True, False, "not_a_boolean"]


CFPB = ("iso", "%m/%d/%y", "%m/%d/%Y", "%Y/%m/%d", "%d-%b-%Y")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-08-25", date(2023, 8, 25)),
        ("3/19/2015", date(2015, 3, 19)),
        ("01/20/25", date(2025, 1, 20)),
        ("2015/10/1", date(2015, 10, 1)),
        ("2019-09-23T12:00:00-05:00", date(2019, 9, 23)),
        ("2019-09-23T23:30:00-05:00", date(2019, 9, 23)),
        ("2023-08-25 00:00:00", date(2023, 8, 25)),
        ("25-Aug-2023", date(2023, 8, 25)),
    ],
)
def test_every_date_spelling_of_the_consumer_complaints_means_one_day(text, day):
    assert typed([text], type="date", formats=CFPB) == [day]


def test_impossible_dates_and_years_of_two_digits_in_four_digit_formats_are_faults():
    assert (
        typed(["2023-02-30", "25/13/2023", "soon", "01/20/25"], type="date", formats=("iso", "%m/%d/%Y"))
        == ["not_a_date"] * 4
    )


def test_a_date_well_after_the_delivery_is_a_fault_unless_the_column_may_lie_ahead():
    values = ["2025-07-02", "2025-07-03"]
    assert typed(values, type="date") == [date(2025, 7, 2), "future_date"]
    assert typed(values, type="date", future_ok=True) == [date(2025, 7, 2), date(2025, 7, 3)]


def test_a_time_without_a_time_is_no_timestamp_and_offsets_are_honoured():
    assert typed(
        ["2025-05-01", "2025-05-01T10:00:00+02:00", "2025-05-01 10:00:00", "2025-05-01 25:00:00"], type="timestamp"
    ) == [
        "not_a_timestamp",
        datetime(2025, 5, 1, 8, tzinfo=UTC),
        datetime(2025, 5, 1, 10, tzinfo=UTC),
        "not_a_timestamp",
    ]


def test_an_hour_the_clocks_skipped_is_a_fault_and_a_repeated_one_means_its_first_run():
    column = Column(name="x", type="timestamp", timezone="America/New_York", description="Local time.")
    assert typed_local(["2025-03-09 02:30:00", "2024-11-03 01:30:00"], column) == [
        "nonexistent_local_time",
        datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
    ]


ZONES = ("America/New_York", "Europe/London", "Europe/Berlin", "Australia/Sydney", "Asia/Kolkata", "America/Sao_Paulo")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(ZONES), st.lists(st.datetimes(datetime(2005, 1, 1), datetime(2025, 6, 1)), min_size=1, max_size=20)
)
def test_local_times_agree_with_the_zone_database(zone, moments):
    check_zone(zone, moments)


def test_local_times_around_every_clock_change_agree_with_the_zone_database():
    for zone in ZONES:
        moments = [datetime(2023, 1, 1) + timedelta(minutes=30 * n) for n in range(48 * 365)]
        check_zone(zone, moments)


def check_zone(zone, moments):
    texts = [f"{moment.replace(microsecond=0):%Y-%m-%d %H:%M:%S}" for moment in moments]
    found = typed_local(texts, Column(name="x", type="timestamp", timezone=zone, description="Local time."))
    for moment, value in zip(moments, found, strict=True):
        wall = moment.replace(microsecond=0)
        first = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
        exists = first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall
        assert value == (first.astimezone(UTC) if exists else "nonexistent_local_time")


def typed_local(texts, column):
    contract = one_column(type="timestamp").model_copy(update={"columns": (one_column(type="text").columns[0], column)})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        numbers = pa.array(range(len(texts)), type=pa.int64())
        connection.register(
            "chunk", pa.table([pa.array(texts), pa.array(texts), numbers, numbers], names=["c0", "c1", "line", "i"])
        )
        connection.execute(typed_sql(contract, timezone=None, latest=date(2030, 1, 1)))
        return [fault or value for value, fault in connection.execute("SELECT v1, f1 FROM typed ORDER BY i").fetchall()]


def test_ranges_allowed_values_lengths_and_required_values_are_checked():
    assert typed(["0", "11", "5"], type="integer", minimum=0, maximum=10) == [0, "out_of_range", 5]
    assert typed(["a", "A", None], type="text", allowed=("a",)) == ["a", "not_allowed", None]
    assert typed(["abc", "abcd"], type="text", max_length=3) == ["abc", "too_long"]
    assert typed(["", "  ", "x"], type="text", required=True) == ["missing_value", "missing_value", "x"]
    assert typed(['["a"]', "[a"], type="json_text") == ['["a"]', "not_json"]


def test_one_row_with_three_faults_gives_three_lines_and_counts_once(home, row, headings):
    path = home.csv("c.csv", headings, [row(1, channel="fax", status="gone", received_at="yesterday"), row(2)])
    report = home.take("complaints", path)
    assert (report.loaded, report.quarantined) == (1, 1)
    assert home.faults("complaints__complaint") == [
        (2, "channel", "text(3)", "not_allowed"),
        (2, "received_at", "text(9)", "not_a_timestamp"),
        (2, "status", "text(4)", "not_allowed"),
    ]


def test_local_times_land_as_utc_in_the_programmes_zone(home, row, headings):
    home.take(
        "complaints",
        home.csv(
            "c.csv", headings, [row(1, received_at="2025-03-08 12:00:00"), row(2, received_at="2025-03-10 12:00:00")]
        ),
    )
    assert [value.hour for (value,) in home.landed("complaints__complaint", "received_at")] == [17, 16]


def test_local_times_without_a_known_zone_refuse_the_file(home, row, headings):
    (home.folder / "programme" / "programme.yml").unlink()
    report = home.take("complaints", home.csv("c.csv", headings, [row(1)]))
    assert report.status == "refused" and "time zone" in report.message


def test_a_score_is_checked_against_the_scale_of_its_survey(home):
    head = ["RecordedDate", "ResponseId", "SurveyId", "Q1"]
    rows = [head, ['{"ImportId":"recordedDate"}'] * 4] + [
        ["2025-05-01 10:00:00", f"R{n}", survey, score]
        for n, (survey, score) in enumerate([("SV_NPS", 10), ("SV_CSAT", 5), ("SV_CSAT", 9), ("SV_NPS", 11)])
    ]
    report = home.take("qualtrics", home.csv("r.csv", head, rows), entity="response")
    assert (report.loaded, report.faults) == (2, {"out_of_range": 2})


def test_every_reason_has_a_sentence():
    assert set(SENTENCES) == set(Reason)


@given(st.text(max_size=80))
def test_the_class_of_a_value_never_repeats_the_value(text):
    shown = value_class(text)
    assert (
        shown in {"empty", "integer", "number", "date-like", "boolean-like", "json-like"}
        or shown == f"text({len(text)})"
    )
