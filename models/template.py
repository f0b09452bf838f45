"""Words with gaps: templates over a flat dictionary, checked when they are saved, closed when a value is missing.

Belongs here: which template syntax is allowed, which fields there are, and rendering. Not here: the words themselves
(`programme/<company>/messages` and `playbooks`), who gets them (`casework/messages.py`). A template can neither call nor
reach into anything: a sandbox alone still called methods of the objects it was given and built strings of 200 MB, so
values are text and numbers only and the syntax is an allow-list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache
from math import isfinite
from typing import Literal

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

Value = str | int | float
Form = Literal["text", "html"]

MAX_SOURCE = 20_000
MAX_OUTPUT = 8_192
# Deeper nesting serves no letter, and from some hundred levels on the parser itself gives up.
MAX_DEPTH = 12

# What a template may say, and what each means. A field that is unknown for a case closes the template for it.
FIELDS: Mapping[str, str] = {
    "company": "name of the company",
    "case_reference": "the number the customer may quote",
    "customer_reference": "the customer's number",
    "owner_name": "who works the case",
    "owner_reference": "employee number of who works the case",
    "team": "team the case lies with",
    "severity": "1 (worst) to 4",
    "state": "state of the case",
    "cause": "root cause in words",
    "playbook": "title of the playbook",
    "metric": "the promise a reminder is about, in words",
    "share": "used share of the time in force, per cent",
    "due": "when it falls due, with its time zone",
    "level": "rung of the escalation ladder",
    "reason": "why this message is sent",
    "amount": "value of an offer, with its currency",
    "offer": "title of the offer",
    "redemption_code": "code of the offer, usable once",
    "arrives_on": "day the money arrives",
    "you_said": "what the customer told us, in our words",
    "we_did": "what was done about it",
    "what_happened": "what went wrong, in our words",
    "outcome": "how the case ended, in words",
    "open_cases": "number of open cases",
    "overdue_cases": "number of overdue cases",
    "case_list": "lines of the digest",
}

_SAFE_FILTERS = frozenset({"upper", "lower", "title", "capitalize", "trim", "round"})
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.If, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip
# Make a line read otherwise than it is stored: an address or an amount can be shown turned round.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class TemplateFault(ValueError):
    """A template may not be saved. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class MissingField(LookupError):
    """A field the template needs is unknown, so nothing may be sent. The message names the field, never a value."""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without anything but its grammar: no globals, no tests, a few filters."""

    def __init__(self, form: Form) -> None:
        super().__init__(autoescape=form == "html", undefined=StrictUndefined, keep_trailing_newline=True)
        self.globals = {}
        self.tests = {}
        self.filters = {name: function for name, function in self.filters.items() if name in _SAFE_FILTERS}


@lru_cache(maxsize=2)
def _environment(form: Form) -> _Environment:
    return _Environment(form)


@lru_cache(maxsize=256)
def _compiled(source: str, form: Form) -> Template:
    """The template ready to render; opening ten thousand cases renders the same few ten thousand times."""
    return _environment(form).from_string(source)


def check_template(source: str, allowed: Collection[str] = FIELDS) -> frozenset[str]:
    """Fields a template uses. Raises `TemplateFault` for syntax, constructs, filters or fields that are not allowed."""
    names = _names(source)
    for name, line in names:
        if name not in allowed:
            raise TemplateFault(line, f"there is no field '{name}'; there are {', '.join(sorted(allowed))}")
    return frozenset(name for name, _ in names)


@lru_cache(maxsize=256)
def _names(source: str) -> tuple[tuple[str, int], ...]:
    """Fields of a template whose syntax is allowed, with a line of each; raises `TemplateFault`."""
    if len(source) > MAX_SOURCE:
        raise TemplateFault(1, f"longer than {MAX_SOURCE} characters")
    try:
        tree = _environment("text").parse(source)
        _check_nodes(tree, 0)
    except TemplateSyntaxError as error:
        raise TemplateFault(error.lineno, error.message or "broken syntax") from error
    except RecursionError as error:
        raise TemplateFault(1, "nested too deeply") from error
    except ValueError as error:
        if isinstance(error, TemplateFault):
            raise
        # A number of more digits than Python reads.
        raise TemplateFault(1, "a number is too long") from error
    return tuple(sorted({node.name: node.lineno for node in tree.find_all(nodes.Name)}.items()))


def _check_nodes(node: nodes.Node, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TemplateFault(node.lineno, "nested too deeply")
    if not isinstance(node, _ALLOWED):
        raise TemplateFault(node.lineno, f"{type(node).__name__.lower()} is not allowed in a template")
    if isinstance(node, nodes.Filter) and (node.name not in _SAFE_FILTERS or node.args or node.kwargs):
        raise TemplateFault(node.lineno, f"the filter '{node.name}' is not allowed in a template")
    if isinstance(node, nodes.Const) and not isinstance(node.value, str | int | float | None):
        raise TemplateFault(node.lineno, "only texts and numbers are allowed")
    for child in node.iter_child_nodes():
        _check_nodes(child, depth + 1)


def render(source: str, values: Mapping[str, Value | None], *, form: Form = "text") -> str:
    """The text with its gaps filled; `html` escapes every value.

    Raises `MissingField` for a field that is absent, None or empty (or a float that is no number), `TemplateFault` for a
    template that may not be used, does not suit its values, or whose text grows over 8 KB, and `TypeError` for a value
    that is neither text nor number.
    """
    needed = check_template(source)
    missing = sorted(name for name in needed if _is_unknown(values.get(name)))
    if missing:
        raise MissingField(f"unknown for this case: {', '.join(missing)}")
    try:
        return _filled(_compiled(source, form), {name: _plain(name, values[name]) for name in needed})
    except UndefinedError as error:
        raise MissingField(str(error.message)) from error
    except TemplateError as error:
        raise TemplateFault(1, type(error).__name__) from error


def _is_unknown(value: Value | None) -> bool:
    return value is None or value == "" or (isinstance(value, float) and not isfinite(value))


def _plain(name: str, value: Value | None) -> Value:
    """The value as exactly a text or a number: a kind of text may bring its own `__html__` and walk past the escaping."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{name}: a template takes texts and numbers only")


def _filled(template: Template, values: Mapping[str, Value]) -> str:
    """The rendered text, stopped as soon as it grows too long."""
    pieces, size = [], 0
    try:
        for piece in template.generate(dict(values)):
            size += len(piece.encode())
            if size > MAX_OUTPUT:
                raise TemplateFault(1, f"the text is longer than {MAX_OUTPUT} bytes")
            pieces.append(piece)
    except UnicodeEncodeError as error:
        raise TemplateFault(1, "half a character") from error
    except TypeError as error:
        # Such as rounding a name, or asking whether a text is more than a number.
        raise TemplateFault(1, "a comparison or filter does not suit its value") from error
    return "".join(pieces)


def render_subject(source: str, values: Mapping[str, Value | None]) -> str:
    """One header line. Raises as `render`, and `TemplateFault` when a value would break the line (header injection)."""
    text = render(source, values).strip()
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _BIDI_CONTROLS for character in text):
        raise TemplateFault(1, "a subject is one line without control characters")
    return text
