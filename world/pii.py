"""Personal data planted into texts, and decoys that only look like it: all made up, all with valid or deliberately wrong checksums.

Belongs here: vectorised values (cards by Luhn, ISO/IEC 7812-1; IBANs by mod 97, ISO 13616). Not here: where they stand in a
text (text_grammar.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.config import Company
from world.customers import FIRST_NAMES, LAST_NAMES, Customers, emails, phones
from world.draws import Ints
from world.workforce import Workforce, full_names

KINDS: tuple[str, ...] = ("email", "phone", "card", "iban", "person_name", "employee_name")
DECOYS: tuple[str, ...] = ("reference_number", "order_number")
CARRIERS: tuple[str, ...] = (
    "carrier_email",
    "carrier_phone",
    "carrier_card",
    "carrier_iban",
    "carrier_name",
    "carrier_employee",
    "carrier_reference",
    "carrier_order",
)
_IBAN_COUNTRIES = (("DE", "", 18), ("GB", "AMND", 14), ("NL", "AMND", 10))


def values(
    kind: int,
    rng: np.random.Generator,
    company: Company,
    people: Customers,
    customer: NDArray[np.integer],
    force: Workforce,
    agent: NDArray[np.integer],
) -> pa.Array:
    """One value per row of the kind (index into KINDS + DECOYS), in one of several spellings."""
    n = len(customer)
    if kind == 0:
        return emails(people, customer)
    if kind == 1:
        return _spelled_phone(rng, phones(company, customer))
    if kind == 2:
        return _card(rng, n, valid=True)
    if kind == 3:
        return _iban(rng, n)
    if kind == 4:
        first = FIRST_NAMES.take(pa.array(people.first[customer]))
        return pc.binary_join_element_wise(first, LAST_NAMES.take(pa.array(people.last[customer])), " ")
    if kind == 5:
        return full_names(force, agent)
    return _card(rng, n, valid=False) if kind == 6 else _order_number(rng, n)


def _digits(table: NDArray[np.integer]) -> pa.Array:
    """Rows of single digits as texts."""
    text = np.ascontiguousarray(table.astype(np.uint8) + 48)
    return pa.array(text.view(f"S{table.shape[1]}").ravel().astype(f"U{table.shape[1]}"))


def luhn_check_digits(payload: NDArray[np.integer]) -> Ints:
    """Luhn check digit of each row of payload digits."""
    doubled = payload[:, ::-1].astype(np.int64)
    doubled[:, ::2] *= 2
    doubled = np.where(doubled > 9, doubled - 9, doubled)
    return np.asarray(-doubled.sum(axis=1) % 10)


def _card(rng: np.random.Generator, n: int, *, valid: bool) -> pa.Array:
    payload = rng.integers(0, 10, (n, 15))
    payload[:, 0] = np.where(rng.random(n) < 0.6, 4, 5) if valid else 7
    payload[:, 1] = np.clip(payload[:, 1], 1, 5)
    check = (luhn_check_digits(payload) + (0 if valid else rng.integers(1, 10, n))) % 10
    plain = _digits(np.concatenate([payload, check[:, None]], axis=1))
    groups = [pc.utf8_slice_codeunits(plain, k, k + 4) for k in (0, 4, 8, 12)]
    spaced, dashed = (pc.binary_join_element_wise(*groups, mark) for mark in (" ", "-"))
    style = rng.random(n)
    return pc.if_else(pa.array(style < 0.5), spaced, pc.if_else(pa.array(style < 0.65), dashed, plain))


def iban_check_digits(country: str, bank: str, account: NDArray[np.integer]) -> Ints:
    """The two check digits of each IBAN: 98 minus (bank, account, country, 00) mod 97, letters as 10 to 35."""
    lead = "".join(str(int(c, 36)) for c in bank)
    tail = "".join(str(int(c, 36)) for c in country) + "00"
    rest = np.zeros(len(account), dtype=np.int64)
    for digit in lead:
        rest = (rest * 10 + int(digit)) % 97
    for column in account.T:
        rest = (rest * 10 + column) % 97
    for digit in tail:
        rest = (rest * 10 + int(digit)) % 97
    return 98 - rest


def _iban(rng: np.random.Generator, n: int) -> pa.Array:
    which = rng.integers(0, len(_IBAN_COUNTRIES), n)
    out = pa.array([""] * n)
    for k, (country, bank, length) in enumerate(_IBAN_COUNTRIES):
        account = rng.integers(0, 10, (n, length))
        check = pc.utf8_lpad(pa.array(iban_check_digits(country, bank, account)).cast(pa.string()), 2, "0")
        made = pc.binary_join_element_wise(country, check, bank, _digits(account), "")
        out = pc.if_else(pa.array(which == k), made, out)
    starts = range(0, 22, 4)
    parts = [pc.utf8_slice_codeunits(out, s, s + 4) for s in starts]
    spaced = pc.utf8_rtrim_whitespace(pc.binary_join_element_wise(*parts, " "))
    return pc.if_else(pa.array(rng.random(n) < 0.5), spaced, out)


def _spelled_phone(rng: np.random.Generator, international: pa.Array) -> pa.Array:
    """The customer's number as people write it: international, national, or with dots."""
    bare = pc.replace_substring_regex(international, r"^\+(1|44) ?", "")
    national = pc.if_else(pc.starts_with(international, "+44"), pc.binary_join_element_wise("0", bare, ""), bare)
    dotted = pc.replace_substring_regex(national, "[ -]", ".")
    style = rng.random(len(international))
    return pc.if_else(pa.array(style < 0.5), international, pc.if_else(pa.array(style < 0.75), national, dotted))


def _order_number(rng: np.random.Generator, n: int) -> pa.Array:
    left = pc.utf8_lpad(pa.array(rng.integers(0, 1000, n)).cast(pa.string()), 3, "0")
    right = pc.utf8_lpad(pa.array(rng.integers(0, 10000, n)).cast(pa.string()), 4, "0")
    return pc.binary_join_element_wise("AM", left, right, "/")
