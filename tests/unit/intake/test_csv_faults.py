"""One broken row costs one row, and the quarantine says where it is and why."""

from __future__ import annotations

import gzip

import pytest

HEAD = "interaction_id,customer_id,ordered_at,product,amount_usd,margin_usd,updated_at"
ORDER_HEAD = "order_id,customer_id,ordered_at,product,amount_usd,margin_usd,updated_at\n"


def order(number, product="Card", amount="10.00", at="2025-05-01T10:00:00Z"):
    return f"O{number},K1,{at},{product},{amount},1.00,{at}\n"


def test_an_unclosed_quote_does_not_swallow_the_rows_below_it(home):
    text = ORDER_HEAD + order(1) + order(2, '"Card') + order(3) + order(4, '"Ca,rd"') + order(5)
    report = home.take("billing", home.file("o.csv", text))
    assert (report.loaded, report.quarantined) == (4, 1)
    assert home.faults("billing__order") == [(3, None, "record(1 line)", "unterminated_quote")]
    assert [line for (line,) in home.landed("billing__order", "_line")] == [2, 4, 5, 6]


def test_an_unclosed_quote_on_the_last_line_costs_that_line_only(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD + order(1) + order(2, '"Card')))
    assert (report.loaded, report.quarantined) == (1, 1)


def test_an_unclosed_quote_closed_by_accident_further_down_gives_the_rows_between_back(home):
    text = ORDER_HEAD + order(1, '"Card') + order(2) + order(3, 'Card",x') + order(4)
    report = home.take("billing", home.file("o.csv", text))
    assert [line for (line,) in home.landed("billing__order", "_line")] == [3, 5]
    assert report.faults == {"unterminated_quote": 1, "too_many_fields": 1}


def test_a_quote_that_stays_open_is_given_up_after_the_lines_a_record_may_have(home):
    text = ORDER_HEAD + order(1, '"Card') + "".join(order(n) for n in range(2, 3000))
    report = home.take("billing", home.file("o.csv", text))
    assert (report.loaded, report.quarantined) == (2998, 1)


def test_too_few_and_too_many_fields_are_told_apart_and_counted_once_each(home):
    text = ORDER_HEAD + order(1) + "O2,K1\n" + order(3).rstrip("\n") + ",extra,extra\n" + order(4)
    report = home.take("billing", home.file("o.csv", text))
    assert report.faults == {"too_few_fields": 1, "too_many_fields": 1}
    assert home.faults("billing__order") == [
        (3, None, "record(2 fields)", "too_few_fields"),
        (4, None, "record(9 fields)", "too_many_fields"),
    ]


def test_quoted_line_breaks_are_one_row_and_lines_below_keep_their_numbers(home):
    text = ORDER_HEAD + order(1, '"Card\nwith\nbreaks"') + order(2) + "\n" + order(3)
    report = home.take("billing", home.file("o.csv", text))
    assert report.loaded == 3
    assert [line for (line,) in home.landed("billing__order", "_line")] == [2, 5, 7]


def test_text_after_a_closing_quote_is_a_fault_of_that_row(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD + order(1, '"Ca"rd') + order(2)))
    assert report.faults == {"stray_quote": 1}


def test_a_quote_inside_an_unquoted_field_is_just_a_character(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD + order(1, '5" screen') + order(2)))
    assert report.loaded == 2
    assert home.landed("billing__order", "product")[0] == ('5" screen',)


def test_a_nul_byte_quarantines_its_row(home):
    report = home.take("billing", home.file("o.csv", (ORDER_HEAD + order(1, "Ca\0rd") + order(2)).encode()))
    assert (report.loaded, report.faults) == (1, {"nul_byte": 1})


def test_bytes_that_are_no_utf8_quarantine_their_row_where_no_other_encoding_is_declared(home):
    report = home.take(
        "billing", home.file("o.csv", ORDER_HEAD.encode() + order(1, "Café").encode("latin-1") + order(2).encode())
    )
    assert (report.loaded, report.faults) == (1, {"invalid_encoding": 1})


def test_another_encoding_is_read_where_the_contract_declares_it(home):
    text = "Id,CaseNumber,Status,CreatedDate,LastModifiedDate,Subject\n1,1,New,{0},{0},café – queue\n".format(
        "2025-05-01T10:00:00Z"
    )
    assert home.take("salesforce", home.file("c.csv", text.encode("cp1252"))).loaded == 1
    assert home.landed("salesforce__case", "subject") == [("café – queue",)]


def test_a_byte_order_mark_is_not_part_of_the_first_heading(home):
    assert home.take("billing", home.file("o.csv", b"\xef\xbb\xbf" + (ORDER_HEAD + order(1)).encode())).loaded == 1


def test_utf_16_is_refused_with_a_way_out(home):
    report = home.take("billing", home.file("o.csv", (ORDER_HEAD + order(1)).encode("utf-16")))
    assert report.status == "refused"
    assert "UTF-16" in report.message and "UTF-8" in report.message


def test_windows_line_ends_and_a_missing_last_line_end_change_nothing(home):
    text = (ORDER_HEAD + order(1) + order(2)).replace("\n", "\r\n").removesuffix("\r\n")
    assert home.take("billing", home.file("o.csv", text)).loaded == 2


def test_a_field_of_ten_megabytes_is_set_aside_and_not_a_crash(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD + order(1, "x" * 10_000_000) + order(2)))
    assert (report.loaded, report.faults) == (1, {"too_long": 1})
    assert home.faults("billing__order") == [(2, "product", "text(10000000)", "too_long")]


def test_a_line_longer_than_any_record_may_be_is_not_read_into_memory_whole(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD + order(1, "x" * 40_000_000) + order(2)))
    assert (report.loaded, report.faults) == (1, {"record_too_long": 1})


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_is_empty_and_says_so(home, content):
    report = home.take("billing", home.file("o.csv", content))
    assert (report.status, report.rows) == ("empty", 0)
    assert "no content" in report.message


def test_headings_without_rows_are_empty_and_not_a_success(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD))
    assert report.status == "empty"
    assert "no rows" in report.message


def test_a_missing_required_column_refuses_the_file_and_proposes_the_heading_meant(home):
    text = ORDER_HEAD.replace("order_id", "ordr_id") + order(1)
    report = home.take("billing", home.file("o.csv", text))
    assert report.status == "refused"
    assert "order_id" in report.message and "'ordr_id'" in report.message


def test_a_file_without_headings_is_refused_without_repeating_its_values(home):
    report = home.take(
        "billing", home.file("o.csv", "O1,Jane Roe,2025-05-01T10:00:00Z,Card,1.00,1.00,2025-05-01T10:00:00Z\n")
    )
    assert report.status == "refused"
    assert "Jane" not in report.message


def test_a_heading_that_occurs_twice_refuses_the_file(home):
    report = home.take("billing", home.file("o.csv", ORDER_HEAD.replace("\n", ",product\n") + order(1)))
    assert report.status == "refused" and "twice" in report.message


def test_columns_the_contract_does_not_know_are_left_out_and_named(home):
    text = ORDER_HEAD.replace("\n", ",colour\n") + order(1).replace("\n", ",red\n")
    report = home.take("billing", home.file("o.csv", text))
    assert report.loaded == 1 and "colour" in report.message and "red" not in report.message


def test_a_gzipped_file_is_read_and_a_cut_one_refused(home):
    packed = gzip.compress((ORDER_HEAD + "".join(order(n) for n in range(500))).encode())
    assert home.take("billing", home.file("o.csv.gz", packed)).loaded == 500
    report = home.take("billing", home.file("cut.csv.gz", packed[: len(packed) // 2]))
    assert report.status == "refused" and "cut short" in report.message
    assert len(home.landed("billing__order")) == 500


def test_a_survey_export_with_one_heading_row_is_refused_instead_of_losing_two_rows(home):
    text = (
        "StartDate,RecordedDate,ResponseId,SurveyId,Q1\n" + "2025-05-01 10:00:00,2025-05-01 10:00:00,R1,SV_NPS,9\n" * 3
    )
    report = home.take("qualtrics", home.file("r.csv", text), entity="response")
    assert report.status == "refused" and "ImportId" in report.message
