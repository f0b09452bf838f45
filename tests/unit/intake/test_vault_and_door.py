"""Personal data stays at the door: redacted in landing, sealed in the vault, gone when the person's key is."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from intake import vault

CRM = ["customer_id", "first_name", "last_name", "email", "phone", "segment", "tier", "status", "updated_at"]
HR = [
    "employee_id",
    "first_name",
    "last_name",
    "email",
    "role",
    "team_id",
    "capacity_units",
    "valid_from",
    "updated_at",
]
CANARIES = ["Zebulon", "Quaxworthy", "zq@canary.example", "2125550143", "212-555-0143", "Pfefferkorn"]


def customer(number, first="Zebulon", last="Quaxworthy", email="zq@canary.example", phone="+1 212-555-0143"):
    return [f"K{number}", first, last, email, phone, "mass", "gold", "active", "2025-05-01T00:00:00Z"]


def employee(number, first="Sandra", last="Pfefferkorn"):
    return [f"E{number}", first, last, "s@work.example", "agent", "T1", 5, "2024-01-01", "2025-05-01T00:00:00Z"]


@pytest.fixture
def ready(home):
    home.take("crm", home.csv("crm.csv", CRM, [customer(1), customer(2, "Ann", "Other", "", "")]))
    home.take("hr", home.csv("hr.csv", HR, [employee(1)]))
    return home


def readable(folder: Path) -> Iterator[str]:
    """Every value of every Parquet file, and the bytes of every other file, below a folder."""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            yield from (str(value) for column in pq.read_table(path).columns for value in column.to_pylist())
        elif path.is_file():
            yield path.read_bytes().decode("latin-1")


def test_texts_are_redacted_with_the_names_of_their_customer_and_of_employees(ready, row, headings):
    text = "zebulon QUAXWORTHY here, Sandra Pfefferkorn hung up. Mail zq@canary.example or call 212-555-0143"
    ready.take(
        "complaints",
        ready.csv("c.csv", headings, [row(1, description=text), row(2, description="Zebulon is a stranger here")]),
    )
    assert ready.landed("complaints__complaint", "description, description_redactions") == [
        ("[NAME] here, [NAME] hung up. Mail [EMAIL] or call [PHONE]", 4),
        ("Zebulon is a stranger here", 0),
    ]


def test_no_planted_personal_data_can_be_read_anywhere_but_employee_names(ready, row, headings):
    text = "Zebulon Quaxworthy, zq@canary.example, 212-555-0143, Mrs Pfefferkorn"
    report = ready.take(
        "complaints",
        ready.csv("c.csv", headings, [row(1, description=text), row(1, description=text, channel="zq@canary.example")]),
    )
    assert report.quarantined == 1
    found = [c for value in readable(ready.settings.home) for c in CANARIES if c in value and "Sandra" not in value]
    assert found == []
    assert not any(canary in report.model_dump_json() for canary in CANARIES)


def test_the_original_opens_from_the_vault_and_an_untouched_text_from_landing(ready, row, headings):
    rows = [row(1, description="mail zq@canary.example"), row(2, description="nothing personal")]
    ready.take("complaints", ready.csv("c.csv", headings, rows))
    hashes = [h for (h,) in ready.landed("complaints__complaint", "_row_hash")]
    opened = [vault.open_original(ready.settings, "complaints", "complaint", h, "description") for h in hashes]
    assert opened == ["mail zq@canary.example", "nothing personal"]
    with pytest.raises(vault.VaultError):
        vault.open_original(ready.settings, "complaints", "complaint", "0" * 32, "description")


def test_identities_land_as_keyed_hashes_of_their_normal_form(home):
    rows = [
        customer(1, email=" ZQ@Canary.example", phone="+1 (212) 555-0143"),
        customer(2),
        customer(3, email="", phone=""),
    ]
    home.take("crm", home.csv("crm.csv", CRM, rows))
    landed = home.landed("crm__customer", "email_key, phone_key")
    assert landed[0] == landed[1] and landed[2] == (None, None)
    assert len(str(landed[0][0])) == 64
    names = pq.read_schema(home.settings.landing / "crm__customer" / "_schema.parquet").names
    assert not {"first_name", "last_name", "email", "phone"} & set(names)


def test_employee_names_land_and_their_mail_does_not(ready):
    assert ready.landed("hr__org_chart", "employee_name, length(email_key)") == [("Sandra Pfefferkorn", 64)]


def test_names_of_finds_every_name_a_customer_ever_had(ready):
    married = customer(1, last="Newname")
    married[-1] = "2025-06-01T00:00:00Z"
    ready.take("crm", ready.csv("crm2.csv", CRM, [married]))
    names = vault.names_of(ready.settings, ["K1", "K2", "K3"])
    assert set(names["K1"]) == {"Zebulon", "Quaxworthy", "Newname"}
    assert set(names["K2"]) == {"Ann", "Other"} and "K3" not in names


def test_forgetting_a_person_makes_their_originals_unreadable_for_good(ready, row, headings):
    ready.take("complaints", ready.csv("c.csv", headings, [row(1, description="mail zq@canary.example")]))
    (row_hash,) = ready.landed("complaints__complaint", "_row_hash")[0]
    assert vault.forget_subject(ready.settings, "customer:K1")
    assert not vault.forget_subject(ready.settings, "customer:K1")
    with pytest.raises(vault.VaultError, match="deleted"):
        vault.open_original(ready.settings, "complaints", "complaint", str(row_hash), "description")
    assert "K1" not in vault.names_of(ready.settings, ["K1", "K2"])


def test_an_agents_note_is_redacted_with_the_name_of_the_tickets_customer(ready):
    ready.file(
        "t.jsonl",
        '{"id":"T1","created_at":"2025-05-01T10:00:00Z","updated_at":"2025-05-01T10:00:00Z","requester_id":"K1","status":"new","subject":"s","description":"d","via_channel":"web"}\n',
    )
    ready.file(
        "n.jsonl",
        '{"id":"1","ticket_id":"T1","user_id":"E1","author_role":"agent","body":"told zebulon to wait",'
        '"created":"2025-05-01T10:00:00Z","public":false}\n',
    )
    ready.take("zendesk", ready.folder / "t.jsonl")
    ready.take("zendesk", ready.folder / "n.jsonl")
    assert ready.landed("zendesk__ticket_comment", "body") == [("told [NAME] to wait",)]


def test_key_files_are_for_their_owner_alone_and_made_once(home):
    path = home.folder / "x.key"
    first = vault.key_file(path)
    assert vault.key_file(path) == first and len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(vault.VaultError, match="damaged"):
        vault.key_file(path)


def test_a_sealed_value_opens_only_as_what_it_was_sealed_as(home):
    ring = vault.KeyRing(home.settings.vault)
    keys = ring.ensure(["customer:1", "customer:2"])
    sealed = vault.seal(keys["customer:1"], "text", "a|b|c")
    assert vault.unseal(keys["customer:1"], sealed, "a|b|c") == "text"
    for key, context in ((keys["customer:2"], "a|b|c"), (keys["customer:1"], "a|b|d")):
        with pytest.raises(vault.VaultError):
            vault.unseal(key, sealed, context)
    ring.close()
