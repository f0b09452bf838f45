"""Which heading feeds which contract column, and which entity of a source a file belongs to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intake.probe import Refused
from models.contract import SourceContract, fold_heading

_NAME_LIKE = re.compile(r"[A-Za-z_:][A-Za-z0-9_ .:()?-]{0,48}\Z")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class HeadingMap:
    """For each contract column the positions (or keys) that feed it, and a note on headings nobody asked for."""

    sources: tuple[tuple[int, ...], ...]
    note: str


def match_headings(contract: SourceContract, headings: Sequence[str]) -> HeadingMap:
    """Map headings to contract columns by alias, ignoring case and punctuation.

    Raises `Refused` when a heading occurs twice or a required column has none; the message proposes close spellings.
    """
    folded = [fold_heading(heading) for heading in headings]
    doubled = sorted(set(_fed_twice(contract, folded)))
    if doubled:
        raise Refused(f"the heading occurs twice for: {', '.join(doubled)}")
    sources = tuple(_positions(column.headings, folded) for column in contract.columns)
    missing = [c.name for c, found in zip(contract.columns, sources, strict=True) if c.required and not found]
    if missing:
        raise Refused(_missing_message(contract, missing, headings))
    used = {position for found in sources for position in found}
    unknown = [heading for position, heading in enumerate(headings) if position not in used]
    return HeadingMap(sources, _unknown_note(unknown))


def match_keys(contract: SourceContract, keys: Iterable[str]) -> str:
    """Check the keys seen in JSON records as headings are checked; returns the note on unknown ones."""
    return match_headings(contract, sorted(set(keys))).note


def coverage(contract: SourceContract, headings: Iterable[str]) -> float:
    """How well headings fit a contract: share of its columns found, less the share of headings nobody asked for."""
    folded = {fold_heading(heading) for heading in headings} - {""}
    known = [{fold_heading(h) for h in column.headings} for column in contract.columns]
    found = sum(1 for names in known if names & folded)
    strangers = len(folded - set().union(*known)) / max(len(folded), 1)
    needed = all(names & folded for names, column in zip(known, contract.columns, strict=True) if column.required)
    return found / len(known) - strangers + (1.0 if needed else 0.0)


def _positions(headings: Iterable[str], folded: Sequence[str]) -> tuple[int, ...]:
    wanted = list(dict.fromkeys(fold_heading(heading) for heading in headings))
    return tuple(folded.index(name) for name in wanted if name in folded)


def _fed_twice(contract: SourceContract, folded: Sequence[str]) -> Iterable[str]:
    for column in contract.columns:
        for name in {fold_heading(heading) for heading in column.headings}:
            if folded.count(name) > 1:
                yield column.name


def _missing_message(contract: SourceContract, missing: Sequence[str], headings: Sequence[str]) -> str:
    """Name what is missing. A heading is repeated only if it resembles a wanted one: it may be a data row otherwise."""
    spellings = {fold_heading(h): h.strip() for h in headings if _NAME_LIKE.match(h.strip())}
    parts = []
    for name in missing:
        close = [
            spelling
            for heading in contract.column(name).headings
            for spelling in difflib.get_close_matches(fold_heading(heading), list(spellings), n=1, cutoff=0.75)
        ]
        hint = f" (did you mean the heading {spellings[close[0]]!r}?)" if close else ""
        parts.append(f"{name}{hint}")
    return f"required columns are missing for {contract.name}: {', '.join(parts)}"


def _unknown_note(unknown: Sequence[str]) -> str:
    if not unknown:
        return ""
    shown = [heading for heading in unknown if _NAME_LIKE.match(heading)][:_SHOWN]
    names = f": {', '.join(shown)}" if shown else ""
    more = "" if len(shown) == len(unknown) else ", ..."
    return f"{len(unknown)} columns the contract does not know were left out{names}{more}"
