"""Templates: nothing in them can act, nothing in a value can act, and a missing value closes them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from models.template import (
    FIELDS,
    MAX_OUTPUT,
    MAX_SOURCE,
    MissingField,
    TemplateFault,
    check_template,
    render,
    render_subject,
)

# Payloads that read files, run commands or reach the interpreter in an ordinary Jinja environment, and their relatives.
ATTACKS = (
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ reason.__class__ }}",
    "{{ reason['__class__'] }}",
    "{{ reason|attr('__class__') }}",
    "{{ reason.upper() }}",
    "{{ lipsum.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ range(1000000000) }}",
    "{{ dict(a=1) }}",
    "{{ namespace() }}",
    "{{ joiner }}",
    "{{ 'a' * 100000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 1 + 1 }}",
    "{{ 'a' ~ reason }}",
    "{{ [reason] }}",
    "{{ (reason, reason) }}",
    "{{ {'a': reason} }}",
    "{{ reason[0] }}",
    "{{ reason[0:2] }}",
    "{{ reason if severity else state }}",
    "{{ reason is defined }}",
    "{{ reason|map('upper')|list }}",
    "{{ reason|format(1) }}",
    "{{ '%200000000d'|format(1) }}",
    "{{ reason|center(100000000) }}",
    "{{ reason|replace('a', 'b') }}",
    "{{ reason|safe }}",
    "{{ reason|tojson }}",
    "{{ reason|default('x') }}",
    "{{ severity|round(3, 'floor') }}",
    "{% for letter in reason %}{{ letter }}{% endfor %}",
    "{% set reason = 1 %}",
    "{% macro f() %}{% endmacro %}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base' %}",
    "{% block a %}{% endblock %}",
    "{% filter upper %}a{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{{ reason }}{% endautoescape %}",
    "{% do reason %}",
    "{{ reason",
    "{% if reason %}",
    "{{ }}",
    "{{ " + "9" * 5_000 + " }}",
    "{{ '\\ud8' }}",
    "{{ " + "not " * 5_000 + "reason }}",
    "{{ " + "(" * 5_000 + "reason" + ")" * 5_000 + " }}",
    "{% if reason %}" * 600 + "{% endif %}" * 600,
    "{{ " + " and ".join(["reason"] * 200) + " }}",
)


@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_a_template_that_could_act_is_refused_when_it_is_saved_and_when_it_is_used(source: str) -> None:
    with pytest.raises(TemplateFault):
        check_template(source)
    with pytest.raises(TemplateFault):
        render(source, dict.fromkeys(FIELDS, "x"))


def test_a_fault_names_its_line_and_what_is_wrong_with_it() -> None:
    with pytest.raises(TemplateFault, match=r"line 3: getattr is not allowed") as caught:
        check_template("Dear customer,\n\n{{ reason.upper }}\n")
    assert caught.value.line == 3
    with pytest.raises(TemplateFault, match=r"line 2: there is no field 'resaon'; there are .*reason"):
        check_template("a\n{{ resaon }}")
    with pytest.raises(TemplateFault, match="no field 'severity'"):
        check_template("{{ severity }}", {"reason"})
    with pytest.raises(TemplateFault, match="longer than"):
        check_template("a" * (MAX_SOURCE + 1))


def test_what_is_allowed_is_enough_for_a_letter() -> None:
    source = (
        "{% if severity <= 2 and not share > 50 %}{{ reason|trim|upper }}{% elif level == 1 %}b{% else %}c{% endif %}"
    )
    assert check_template(source) == {"severity", "share", "reason", "level"}
    assert render(source, {"severity": 1, "share": 50, "reason": " late ", "level": 1}) == "LATE"
    assert render(source, {"severity": 3, "share": 50, "reason": "late", "level": 2}) == "c"
    assert render("{{ share|round }} {# not for the customer #}", {"share": 79.6}) == "80.0 "


@pytest.mark.parametrize("value", [None, "", float("nan"), float("inf")])
def test_a_value_that_is_unknown_closes_the_template_and_is_named(value: object) -> None:
    with pytest.raises(MissingField, match=r"unknown for this case: amount$"):
        render("{{ amount }} for {{ reason }}", {"amount": value, "reason": "secret"})  # type: ignore[dict-item]


def test_a_value_that_is_missing_closes_the_template_even_in_a_branch_that_is_not_taken() -> None:
    with pytest.raises(MissingField, match="amount, offer"):
        render("{% if severity == 1 %}{{ offer }} {{ amount }}{% endif %}", {"severity": 4})


def test_a_value_that_is_no_text_or_number_never_enters() -> None:
    class Bomb:
        def __str__(self) -> str:
            raise AssertionError("it was called")

    for value in (Bomb(), ["a"], {"a": 1}, b"a", print):
        with pytest.raises(TypeError, match="reason: a template takes texts and numbers only"):
            render("{{ reason }}", {"reason": value})  # type: ignore[dict-item]


class Sly(str):
    """A text that claims to be HTML and to say something else."""

    def __html__(self) -> str:
        return "<b>raw</b>"

    def __str__(self) -> str:
        return "something else"


@pytest.mark.parametrize("value", [Markup("<b>bold</b>"), Sly("<b>bold</b>")])
def test_a_text_that_claims_to_be_safe_is_escaped_like_any_other(value: str) -> None:
    assert render("{{ reason }}", {"reason": value}, form="html") == "&lt;b&gt;bold&lt;/b&gt;"
    assert render("{{ reason }}", {"reason": value}) == "<b>bold</b>"


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=500))
def test_a_value_is_never_executed_and_never_loses_a_character(text: str) -> None:
    assert render("<{{ you_said }}>", {"you_said": text}) == f"<{text}>"
    page = render("<p>{{ you_said }}</p>", {"you_said": text}, form="html")
    inner = page.removeprefix("<p>").removesuffix("</p>")
    assert html.unescape(inner) == html.unescape(html.escape(text))
    assert not set("<>\"'") & set(inner)


@pytest.mark.parametrize("source", [*ATTACKS, "{% raw %}", "{#", "#}", "{{ reason }}", "\u202egnp.exe", "ﷺ" * 99])
def test_an_attack_that_a_customer_writes_is_only_text(source: str) -> None:
    if len(source) < MAX_OUTPUT:
        assert render("{{ you_said }}", {"you_said": source}) == source


def test_the_output_stops_at_eight_kilobytes_whatever_the_value() -> None:
    with pytest.raises(TemplateFault, match="longer than 8192 bytes"):
        render("{{ you_said }}", {"you_said": "a" * 50_000_000})
    with pytest.raises(TemplateFault, match="longer than 8192 bytes"):
        render("{{ you_said }}" * 1_000, {"you_said": "a" * MAX_OUTPUT})
    assert len(render("{{ you_said }}", {"you_said": "é" * (MAX_OUTPUT // 2)})) == MAX_OUTPUT // 2
    with pytest.raises(TemplateFault):
        render("{{ you_said }}", {"you_said": "é" * (MAX_OUTPUT // 2) + "a"})


@pytest.mark.parametrize(
    ("source", "value"),
    [("{{ reason|round }}", "late"), ("{% if reason > 1 %}a{% endif %}", "late"), ("{{ reason }}", "\ud800")],
)
def test_a_value_that_does_not_suit_its_template_closes_it(source: str, value: str) -> None:
    with pytest.raises(TemplateFault):
        render(source, {"reason": value})


@pytest.mark.parametrize(
    "value",
    [
        "Hello\r\nBcc: everybody@example.org",
        "Hello\nX: 1",
        "Hello\rX: 1",
        "a\x00b",
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "a\x0bb",
        "a\x1bb",
        "a\u202eb",
        "a\u2066b",
    ],
)
def test_a_subject_refuses_whatever_could_end_its_line_or_turn_it_round(value: str) -> None:
    with pytest.raises(TemplateFault, match="one line"):
        render_subject("About {{ reason }}", {"reason": value})


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=100))
def test_a_subject_is_one_line_or_refused(text: str) -> None:
    try:
        line = render_subject("{{ reason }}!", {"reason": text})
    except TemplateFault:
        return
    assert line.splitlines() == [line]
    assert line == f"{text}!".strip()


def test_a_template_is_compiled_once_and_gives_each_case_its_own_words() -> None:
    source = "{{ case_reference }} {{ reason }}"
    words = [render(source, {"case_reference": str(n), "reason": f"r{n}"}) for n in range(3)]
    assert words == ["0 r0", "1 r1", "2 r2"]
    assert render(source, {"case_reference": "1", "reason": "<"}, form="html") == "1 &lt;"
    assert render(source, {"case_reference": "1", "reason": "<"}) == "1 <"
