"""Finding the line for a fault that only shows when the files of a programme are held against each other.

Belongs here: from the words of such a fault to file and line. Not here: faults inside one file, which know their line
(`intake/programme.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PLACED = re.compile(r"^[^\s:]+:\d+: ")
_FILE = re.compile(r"\b[\w-]+\.(?:yml|md)\b")
_QUOTED = re.compile(r"'([^']+)'")


def located(fault: str, files: Mapping[str, str]) -> str:
    """`file:line: reason` for a fault that reads `where: reason`; as it is when it has a line or none can be found.

    The file is the first one the fault names, else the last one that defines the word the fault is about; the word is
    the first in quotes, else what follows the last colon.
    """
    if _PLACED.match(fault):
        return fault
    where, _, reason = fault.partition(": ")
    word = _word(reason)
    named = _FILE.search(fault)
    if named is not None:
        keys = [key for key in files if key.rpartition("/")[2] == named[0]]
        line = _first_line(files[keys[0]].splitlines(), _mention(word)) if keys and word else None
        return f"{named[0]}:{line}: {reason}" if line else f"{named[0]}: {reason}"
    for key in sorted(files, reverse=True) if word else ():
        if line := _first_line(files[key].splitlines(), _definition(word)):
            return f"{key.rpartition('/')[2]}:{line}: {reason}"
    return f"{where}: {reason}"


def _word(reason: str) -> str:
    quoted = _QUOTED.search(reason)
    return quoted[1] if quoted else reason.rpartition(": ")[2].split(", ")[0] if ": " in reason else ""


def _mention(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")


def _definition(word: str) -> re.Pattern[str]:
    return re.compile(rf"^[\s{{-]*(?:id|code|name): {re.escape(word)}(?![\w-])")


def _first_line(lines: Iterable[str], wanted: re.Pattern[str]) -> int | None:
    return next((number for number, line in enumerate(lines, start=1) if wanted.search(line)), None)
