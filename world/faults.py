"""The broken rows planted in the files: which kinds in which entity, and how a good row is broken.

Belongs here: kinds, their reason class and the corruption of one row. Not here: writing (delivery.py). A broken row is
always an extra row with its own key and no customer text, so that quarantining it loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

ABSURD_TIME = {"iso": "2026-31-31T25:61:00Z", "plain": "31/31/2026 25:61"}
AT_END = "unterminated_quote"
ONLY_IN_SPRING = "nonexistent_local_time"


@dataclass(frozen=True)
class Fault:
    """One kind of fault in one entity: the reason class, the column at fault (None = the row) and the bad cell.

    Reason classes carry the names under which the platform quarantines rows, so that truth and quarantine compare directly.
    """

    reason: str
    column: str | None = None
    cell: str = ""


def _fault(reason: str, column: str | None = None, cell: str = "") -> Fault:
    return Fault(reason, column, cell)


_FEW, _MANY = _fault("too_few_fields"), _fault("too_many_fields")
PLANTED: dict[tuple[str, str], tuple[Fault, ...]] = {
    ("complaints", "complaint"): (
        _FEW,
        _MANY,
        _fault("not_a_timestamp", "received_at", ABSURD_TIME["plain"]),
        _fault("not_allowed", "status", "opne"),
        _fault("missing_value", "complaint_id"),
        _fault("future_date", "received_at", "{future_plain}"),
        _fault("nul_byte", "description"),
        _fault("invalid_encoding", "description"),
        _fault(AT_END, "description"),
    ),
    ("qualtrics", "response"): (
        _fault("out_of_range", "Q1", "11"),
        _FEW,
        _fault("not_a_timestamp", "RecordedDate", ABSURD_TIME["plain"]),
        _fault("missing_value", "ResponseId"),
        _fault("not_an_integer", "Q1", "nine"),
        _fault("invalid_encoding", "Q2"),
        _fault("future_date", "RecordedDate", "{future_plain}"),
    ),
    ("qualtrics", "invitation"): (
        _fault("not_allowed", "status", "sennt"),
        _fault("not_a_timestamp", "sent_at", ABSURD_TIME["iso"]),
    ),
    ("crm", "customer"): (
        _fault("not_money", "annual_value_usd", "12x5"),
        _fault("not_allowed", "segment", "mas"),
        _fault("missing_value", "customer_id"),
        _FEW,
        _fault("invalid_encoding", "last_name"),
    ),
    ("zendesk", "ticket"): (
        _fault("invalid_json"),
        _fault("missing_value", "id"),
        _fault("not_allowed", "status", '"opne"'),
        _fault("future_date", "created_at", '"{future_iso}"'),
        _fault("not_a_timestamp", "created_at", f'"{ABSURD_TIME["iso"]}"'),
        _fault("invalid_encoding", "description"),
    ),
    ("zendesk", "ticket_comment"): (
        _fault("invalid_json"),
        _fault("not_allowed", "author_role", '"robot"'),
        _fault("missing_value", "id"),
    ),
    ("zendesk", "ticket_field_history"): (
        _FEW,
        _fault("not_a_timestamp", "updated", ABSURD_TIME["iso"]),
        _fault("missing_value", "ticket_id"),
    ),
    ("qa", "audit"): (
        _fault("out_of_range", "score", "140"),
        _fault("not_a_timestamp", "audited_at", ABSURD_TIME["iso"]),
        _fault("nul_byte", "comment"),
    ),
    ("escalations", "escalation"): (
        _fault("not_allowed", "reason_code", "anger"),
        _fault("out_of_range", "level", "9"),
        _fault(AT_END, "note"),
    ),
    ("resolutions", "resolution"): (
        _fault("not_allowed", "playbook_code", "flowers"),
        _fault("not_a_timestamp", "resolved_at", ABSURD_TIME["iso"]),
        _FEW,
        _fault("missing_value", "resolution_id"),
    ),
    ("billing", "order"): (
        _fault("not_money", "amount_usd", "1O.50"),
        _FEW,
        _fault("future_date", "ordered_at", "{future_iso}"),
    ),
    ("hr", "org_chart"): (_fault("not_a_date", "valid_from", "2026-02-31"),),
    ("changes", "change_log"): (_fault("not_allowed", "kind", "miracle"),),
    ("reviews", "review"): (
        _fault("out_of_range", "rating", "7"),
        _fault("invalid_json"),
        _fault("missing_value", "review_id"),
    ),
}


def faults_of_file(source: str, entity: str, ordinal: int, months: int) -> list[Fault]:
    """The faults of an entity's file number `ordinal` (from 0): every kind occurs at least once over the months."""
    kinds = PLANTED[(source, entity)]
    each = max(min(2, len(kinds)), -(-len(kinds) // max(months - 1, 1)))
    if len(kinds) == 1:
        return list(kinds) if ordinal == 0 else []
    return [kinds[(ordinal * each + k) % len(kinds)] for k in range(each)]


def broken_csv(fault: Fault, columns: tuple[str, ...], cells: list[str], future: dict[str, str]) -> bytes:
    """The bytes of a broken CSV row (no line end) made from the rendered cells of a good one."""
    cells = list(cells)
    if fault.reason == "too_few_fields":
        return ",".join(cells[:-2]).encode()
    if fault.reason == "too_many_fields":
        return ",".join([*cells, "extra"]).encode()
    at = columns.index(fault.column) if fault.column else 0
    raw = [c.encode() for c in cells]
    raw[at] = _cell_bytes(fault, future)
    return b",".join(raw)


def broken_json(fault: Fault, columns: tuple[str, ...], cells: list[str], future: dict[str, str]) -> bytes:
    """The bytes of a broken JSON line made from the rendered cells of a good one."""
    raw = [c.encode() for c in cells]
    if fault.column:
        bad = _cell_bytes(fault, future)
        raw[columns.index(fault.column)] = b'"' + bad + b'"' if fault.reason == "invalid_encoding" else (bad or b"null")
    line = b"{" + b", ".join(f'"{c}": '.encode() + v for c, v in zip(columns, raw, strict=True)) + b"}"
    return line[: len(line) // 2] if fault.reason == "invalid_json" else line


def _cell_bytes(fault: Fault, future: dict[str, str]) -> bytes:
    special = {
        "nul_byte": b"left\x00over",
        "invalid_encoding": b"caf\xe9 \xff\xfe closed",
        AT_END: b'"this note never ends',
    }
    return special.get(fault.reason) or fault.cell.format(**future).encode()
