"""Texts with their personal data marked by hand, as `fixtures/personal_data.txt` holds them.

Belongs here: reading that file. Not here: judging a redactor by it (`tests/unit/ml/test_redact_recall.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_MARK = re.compile(r"\{\{([A-Z_]+|\?NAMES)\|([^}]*)\}\}")


@dataclass(frozen=True, slots=True)
class Marked:
    """One text, the names known of its author, and its spans (start, end, kind)."""

    language: str
    text: str
    names: tuple[str, ...]
    spans: tuple[tuple[int, int, str], ...]


def marked_texts() -> list[Marked]:
    """All texts of the file."""
    path = Path(__file__).parent / "fixtures" / "personal_data.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_read(line) for line in lines if line and not line.startswith("#")]


def _read(line: str) -> Marked:
    language, raw = line.split("\t", 1)
    raw = raw.replace("\\n", "\n")
    text, spans, names, position = "", [], (), 0
    for match in _MARK.finditer(raw):
        text += raw[position : match.start()]
        position = match.end()
        if match[1] == "?NAMES":
            names = tuple(match[2].split(";"))
            continue
        spans.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
    return Marked(language, text + raw[position:], names, tuple(spans))
