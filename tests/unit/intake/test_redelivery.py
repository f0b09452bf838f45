"""Delivering again, in pieces or after a kill changes nothing: every row lands exactly once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.service import take_inbox, take_path

NAME = "complaints__complaint"


def contents(home):
    return Counter(
        home.landed(NAME, "* EXCLUDE (_batch_id, _loaded_at, _source_file, _line)", "complaint_id, _row_hash")
    )


def everything(home):
    stores = (home.settings.landing, home.settings.quarantine, home.settings.vault)
    return {path: path.stat().st_mtime_ns for root in stores for path in root.rglob("*.parquet")}


def test_a_redelivered_file_changes_nothing(home, row, headings):
    path = home.csv("c.csv", headings, [row(1), row(2, channel="fax")])
    home.take("complaints", path)
    before = everything(home)
    report = home.take("complaints", path)
    assert (report.status, report.rows, report.duplicates) == ("already_delivered", 2, 2)
    renamed = home.file("renamed.csv", path.read_bytes())
    assert home.take("complaints", renamed).status == "already_delivered"
    assert everything(home) == before


def test_rows_that_landed_before_are_duplicates_in_an_overlapping_file(home, row, headings):
    home.take("complaints", home.csv("a.csv", headings, [row(n) for n in range(10)]))
    report = home.take("complaints", home.csv("b.csv", headings, [row(n) for n in range(5, 15)]))
    assert (report.loaded, report.duplicates) == (5, 5)
    nothing = home.take("complaints", home.csv("c.csv", headings, [row(3), row(12)]))
    assert (nothing.status, nothing.duplicates) == ("nothing_new", 2)


def test_a_row_repeated_inside_one_file_lands_once(home, row, headings):
    report = home.take("complaints", home.csv("a.csv", headings, [row(1), row(2), row(1), row(1)]))
    assert (report.loaded, report.duplicates) == (2, 2)


def test_a_corrected_row_lands_as_a_new_version_and_a_late_one_lands(home, row, headings):
    home.take("complaints", home.csv("a.csv", headings, [row(1), row(3)]))
    corrected = row(1, product="Loan", updated_at="2025-05-02 10:00:00")
    report = home.take(
        "complaints", home.csv("b.csv", headings, [corrected, row(2, received_at="2024-01-01 10:00:00")])
    )
    assert report.loaded == 2
    assert home.landed(NAME, "complaint_id, product", "complaint_id, updated_at") == [
        ("C1", "Card"),
        ("C1", "Loan"),
        ("C2", "Card"),
        ("C3", "Card"),
    ]


def test_batch_numbers_only_ever_grow(home, row, headings):
    numbers = [home.take("complaints", home.csv(f"{n}.csv", headings, [row(n)])).batch_id for n in range(4)]
    assert numbers == sorted(set(numbers))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=24), st.integers(1, 4))
def test_a_file_cut_into_pieces_lands_like_the_whole(new_home, row, headings, numbers, pieces):
    rows = [row(number, channel="fax" if number == 7 else "web") for number in numbers]
    whole, split = new_home(), new_home()
    whole.take("complaints", whole.csv("all.csv", headings, rows))
    size = -(-len(rows) // pieces)
    for n, start in enumerate(range(0, len(rows), size)):
        split.take("complaints", split.csv(f"{n}.csv", headings, rows[start : start + size]))
    assert contents(split) == contents(whole)
    assert max(contents(whole).values(), default=1) == 1


class Killed(RuntimeError):
    pass


STEPS = ["files_written", "published_vault", "published_quarantine", "published_landing"]


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_before_the_register_commits_leaves_exactly_one_copy_after_the_next_run(home, row, headings, step):
    rows = [row(1, description="write to jane@example.com"), row(2, channel="fax"), row(3)]
    path = home.csv("c.csv", headings, rows)

    def kill(at):
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        home.take("complaints", path, on_step=kill)
    other = home.take("complaints", home.csv("d.csv", headings, [row(4)]))
    report = home.take("complaints", path)
    assert (report.status, report.loaded, report.quarantined) == ("loaded", 2, 1)
    assert report.batch_id > other.batch_id
    assert sum(contents(home).values()) == 3 and max(contents(home).values()) == 1
    assert len(home.faults(NAME)) == 1
    assert not list(home.settings.home.rglob("*.tmp"))


def test_a_kill_after_the_commit_loses_nothing(home, row, headings):
    path = home.csv("c.csv", headings, [row(1)])

    def kill(at):
        if at == "committed":
            raise Killed

    with pytest.raises(Killed):
        home.take("complaints", path, on_step=kill)
    assert home.take("complaints", path).status == "already_delivered"
    assert len(home.landed(NAME)) == 1


def test_an_orphan_of_a_killed_run_goes_even_when_its_file_never_comes_back(home, row, headings):
    def kill(at):
        if at == "published_landing":
            raise Killed

    with pytest.raises(Killed):
        home.take("complaints", home.csv("c.csv", headings, [row(1)]), on_step=kill)
    assert len(home.landed(NAME)) == 1
    home.take("complaints", home.csv("d.csv", headings, [row(2)]))
    assert home.landed(NAME, "complaint_id") == [("C2",)]


def test_the_inbox_is_taken_once_in_dependency_order_and_left_in_place(home, row, headings):
    inbox = home.settings.inbox
    home.csv(str((inbox / "complaints" / "2025" / "c.csv").relative_to(home.folder)), headings, [row(1)])
    head = ["customer_id", "first_name", "last_name", "segment", "tier", "status", "updated_at"]
    crm = [["K1", "Maria", "Lopez", "mass", "gold", "active", "2025-05-01T00:00:00Z"]]
    home.csv(str((inbox / "crm" / "k.csv").relative_to(home.folder)), head, crm)
    for name in (".hidden.csv", "half.csv.part", "half.tmp", "half.crdownload"):
        home.file(str((inbox / "crm" / name).relative_to(home.folder)), "not,to,be,taken\n")
    options = {"received_on": None}
    first = take_inbox(home.settings, **options)
    assert [(report.source, report.status) for report in first] == [("crm", "loaded"), ("complaints", "loaded")]
    assert take_inbox(home.settings, **options) == []
    assert (inbox / "crm" / "k.csv").exists()
    home.csv(str((inbox / "crm" / "k2.csv").relative_to(home.folder)), head, crm)
    assert [report.status for report in take_inbox(home.settings)] == ["already_delivered"]


def test_a_folder_of_an_unknown_source_in_the_inbox_is_reported(home):
    home.file("home/inbox/faxes/f.csv", "a,b\n1,2\n")
    assert [(report.source, report.status) for report in take_inbox(home.settings)] == [("faxes", "refused")]


def test_a_folder_is_taken_with_each_file_under_its_entity(home):
    home.file(
        "z/2_comments.jsonl",
        '{"id":"1","ticket_id":"T1","author_role":"agent","body":"b","created":"2025-05-01T10:00:00Z","public":false}\n',
    )
    home.file("z/3_history.csv", "ticket_id,field_name,updated,user_id,value\nT1,status,2025-05-01T10:00:00Z,,open\n")
    home.file(
        "z/9_tickets.jsonl",
        '{"id":"T1","created_at":"2025-05-01T10:00:00Z","updated_at":"2025-05-01T10:00:00Z","status":"new","subject":"s","description":"d","via_channel":"web"}\n',
    )
    reports = take_path(home.settings, "zendesk", home.folder / "z")
    assert [(r.entity, r.status) for r in reports] == [
        ("ticket", "loaded"),
        ("ticket_comment", "loaded"),
        ("ticket_field_history", "loaded"),
    ]


def test_an_unknown_source_or_entity_is_an_error_that_lists_the_known_ones(home):
    path = home.file("f.csv", "a\n1\n")
    with pytest.raises(ValueError, match=r"there is no contract for faxes; .*complaints"):
        home.take("faxes", path)
    with pytest.raises(ValueError, match="zendesk__ticket"):
        home.take("zendesk", path, entity="fax")
