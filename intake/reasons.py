"""Why a row was set aside: the closed list of reasons, a sentence for each, and the class of a faulty value.

Nothing here may return a value that was delivered: quarantine files are read by people who may not see customer data.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Reason(StrEnum):
    """Every reason a row can be quarantined for."""

    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    UNTERMINATED_QUOTE = "unterminated_quote"
    STRAY_QUOTE = "stray_quote"
    STRAY_LINE_BREAK = "stray_line_break"
    INVALID_ENCODING = "invalid_encoding"
    NUL_BYTE = "nul_byte"
    RECORD_TOO_LONG = "record_too_long"
    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    NESTED_VALUE = "nested_value"
    MISSING_VALUE = "missing_value"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_NUMBER = "not_a_number"
    NOT_MONEY = "not_money"
    NOT_A_TIMESTAMP = "not_a_timestamp"
    NOT_A_DATE = "not_a_date"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_JSON = "not_json"
    NOT_ALLOWED = "not_allowed"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
    FUTURE_DATE = "future_date"


SENTENCES: dict[Reason, str] = {
    Reason.TOO_FEW_FIELDS: "The row has fewer fields than the heading.",
    Reason.TOO_MANY_FIELDS: "The row has more fields than the heading.",
    Reason.UNTERMINATED_QUOTE: "A quotation mark is opened and not closed where the row ends.",
    Reason.STRAY_QUOTE: "Text follows a closing quotation mark inside a field.",
    Reason.STRAY_LINE_BREAK: "A bare carriage return stands outside quotation marks.",
    Reason.INVALID_ENCODING: "The row holds bytes that are no text in the encoding of the contract.",
    Reason.NUL_BYTE: "The row holds a NUL byte.",
    Reason.RECORD_TOO_LONG: "The row is longer than the contract allows a row to be.",
    Reason.INVALID_JSON: "The line is not valid JSON.",
    Reason.NOT_AN_OBJECT: "The record is valid JSON but not an object.",
    Reason.NESTED_VALUE: "A list or an object stands where the contract expects a single value.",
    Reason.MISSING_VALUE: "A required value is missing.",
    Reason.NOT_AN_INTEGER: "The value is not a whole number.",
    Reason.NOT_A_NUMBER: "The value is not a number.",
    Reason.NOT_MONEY: "The value is not an amount with at most two decimals.",
    Reason.NOT_A_TIMESTAMP: "The value is not a date with a time in a format of the contract.",
    Reason.NOT_A_DATE: "The value is not a date in a format of the contract.",
    Reason.NOT_A_BOOLEAN: "The value is neither yes nor no.",
    Reason.NOT_JSON: "The value is not valid JSON.",
    Reason.NOT_ALLOWED: "The value is not in the contract's list of allowed values.",
    Reason.OUT_OF_RANGE: "The number lies outside the range of the contract.",
    Reason.TOO_LONG: "The text is longer than the contract allows.",
    Reason.NONEXISTENT_LOCAL_TIME: "The local time does not exist: clocks were put forward over it.",
    Reason.FUTURE_DATE: "The date lies too far after the day of delivery.",
}

_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("integer", re.compile(r"[+-]?[0-9]{1,40}\Z")),
    ("number", re.compile(r"[+-]?[$]?[0-9,]{1,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,4})?\Z")),
    ("date-like", re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].{0,24})?\Z")),
    ("boolean-like", re.compile(r"(?:true|false|yes|no|[yntf])\Z", re.IGNORECASE)),
    ("json-like", re.compile(r"[\[{].*[\]}]\Z", re.DOTALL)),
)


def value_class(value: str | None) -> str:
    """Describe a value without giving it away: `empty`, `integer`, `number`, `date-like`, `json-like`, `text(12)` ..."""
    text = (value or "").strip()
    if not text:
        return "empty"
    if len(text) <= 200:
        for name, pattern in _CLASSES:
            if pattern.match(text):
                return name
    return f"text({len(value or '')})"


def record_class(fields: int | None, lines: int = 1) -> str:
    """Describe a broken record: how many fields and physical lines it has."""
    parts = ([f"{fields} fields"] if fields is not None else []) + ([f"{lines} lines"] if lines > 1 else [])
    return f"record({', '.join(parts) or '1 line'})"
