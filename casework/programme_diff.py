"""What differs between two programmes, in the words of the files: one line per change, old value and new value.

Belongs here: the comparison, a pure function of two programmes. Not here: what a change does to open cases
(`casework/programme_plan.py`), how it is printed (`amends/programme_view.py`). Lists are compared by what their items
are called (a code, an id, a metric with its severity), so that one line put in at the top is one change, not forty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from casework.programme_parts import Words, cut, is_list, parts, short, title
from models.programme import Programme

Kind = Literal["added", "removed", "changed", "moved"]

# What an item of a list is called, the most telling first; a list whose items have none of these is one value.
_NAMES: tuple[tuple[str, ...], ...] = (
    ("code",), ("id",), ("name",), ("survey_id",), ("field", "op"), ("level", "to", "metric"), ("above_usd",),
    ("at_least_usd",),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the file it is in, where in the file, and the values as people read them (None: not there)."""

    part: str
    kind: Kind
    where: str
    old: str | None = None
    new: str | None = None

    @property
    def sentence(self) -> str:
        """The change in one line, such as `sla.yml: resolve, severity 2: 25.5 h -> 30 h`."""
        start = f"{self.part}: {self.where}" if self.where else self.part
        if self.kind == "added":
            return f"{start} added" + (f": {self.new}" if self.new else "")
        if self.kind == "removed":
            return f"{start} removed" + (f" (was {self.old})" if self.old else "")
        return f"{start}{' moved' if self.kind == 'moved' else ''}: {self.old} -> {self.new}"


def changes(old: Programme, new: Programme) -> tuple[Change, ...]:
    """Every difference, part by part in the order of `parts`; empty when both decide the same."""
    before, after = parts(old), parts(new)
    found: list[Change] = []
    for part in dict.fromkeys([*before, *after]):
        if part not in after:
            found.append(Change(part, "removed", "", title(before[part])))
        elif part not in before:
            found.append(Change(part, "added", "", None, title(after[part])))
        else:
            found += _differences(part, (), before[part], after[part])
    return tuple(_with_moves(found))


def _differences(part: str, path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    """Depth first over two values of one place."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _in_mapping(part, path, old, new)
    elif isinstance(old, Words) and isinstance(new, Words):
        yield Change(part, "changed", _joined(path), f"{_lines(old)} lines", _line_count_change(old, new))
    elif is_list(old) and is_list(new):
        yield from _in_list(part, path, old, new)
    elif old is None or new is None:
        kind: Kind = "added" if old is None else "removed"
        yield Change(part, kind, _joined(path), _short_or_none(old), _short_or_none(new))
    else:
        yield Change(part, "changed", _joined(path), short(old), short(new))


def _in_mapping(part: str, path: tuple[str, ...], old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        yield from _differences(part, (*path, str(key)), old.get(key), new.get(key))


def _in_list(part: str, path: tuple[str, ...], old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    """Items by name where they have one, else what came and what went; then whether the common ones changed places."""
    before, after = _by_name(old, new)
    if before is None or after is None:
        yield Change(part, "changed", _joined(path), short(old), short(new))
        return
    yield from _in_mapping(part, path, before, after)
    kept_before, kept_after = [n for n in before if n in after], [n for n in after if n in before]
    if kept_before != kept_after:
        where = path if path[-1] == "order" else (*path, "order")
        yield Change(part, "moved", _joined(where), ", ".join(kept_before), ", ".join(kept_after))


def _by_name(old: Sequence[Any], new: Sequence[Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both lists as dictionaries by the first kind of name that tells all items apart; (None, None) for other lists."""
    items = [*old, *new]
    if all(isinstance(item, str) for item in items) and len(set(old)) == len(old) and len(set(new)) == len(new):
        return dict.fromkeys(old, ""), dict.fromkeys(new, "")
    if not all(isinstance(item, Mapping) for item in items):
        return None, None
    for names in _NAMES:
        if all(set(names) <= set(item) or _is_group(item) for item in items):
            before, after = _called(old, names), _called(new, names)
            if len(before) == len(old) and len(after) == len(new):
                return before, after
    return None, None


def _called(items: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Items by name; groups of conditions have none and are counted."""
    groups = iter(range(1, len(items) + 1))
    return {
        f"group {next(groups)}"
        if _is_group(item)
        else " ".join(str(item[n]) for n in names if item[n] is not None): item
        for item in items
    }


def _is_group(item: Mapping[str, Any]) -> bool:
    return bool(item) and set(item) <= {"all", "any", "not"}


def _joined(path: Sequence[str]) -> str:
    return ": ".join(step for step in path if step)


def _lines(text: str) -> int:
    return len(text.strip().splitlines())


def _line_count_change(old: str, new: str) -> str:
    """How much of a text is new, and where it first differs: the whole text is in the file."""
    pairs = list(zip_longest(old.strip().splitlines(), new.strip().splitlines(), fillvalue=""))
    first = next((b for a, b in pairs if a != b), "")
    differing = sum(a != b for a, b in pairs)
    return f"{_lines(new)} lines, {differing} of them different, first: {cut(first.strip()) or '(a line fewer)'}"


def _short_or_none(value: Any) -> str | None:
    return None if value is None else short(value)


def _with_moves(found: Sequence[Change]) -> Iterator[Change]:
    """A branch of the routing tree that went from one place and came at another has moved; that its name went from one
    list and came into another says nothing more.
    """
    found = [c for c in found if c.part != "routing.yml" or c.kind == "moved" or ": order" not in c.where]
    routing = [change for change in found if change.part == "routing.yml"]
    gone = {_last(c.where): c for c in routing if c.kind == "removed" and " / " in c.where and ": " not in c.where}
    come = {_last(c.where): c for c in routing if c.kind == "added" and " / " in c.where and ": " not in c.where}
    moved = {name for name in gone.keys() & come.keys() if gone[name].old == come[name].new}
    for change in found:
        name = _last(change.where) if change.part == "routing.yml" else None
        if name in moved and change is gone.get(name):
            yield Change("routing.yml", "moved", name, change.where, come[name].where)
        elif name not in moved or change is not come.get(name):
            yield change


def _last(where: str) -> str:
    return where.rpartition(" / ")[2]
