"""What the tables about actions and communications count, held against the case model and the detection guard."""

from __future__ import annotations

import re

from models.case import EventKind
from models.signal import OWN_SOURCE
from tests.support import ROOT

MACROS = ROOT / "dbt_project" / "macros"


def kinds(macro: str) -> list[str]:
    text = (MACROS / "actions.sql").read_text(encoding="utf-8")
    (body,) = re.findall(rf"macro {macro}\(\) -%}}(.*?){{%- endmacro", text, flags=re.S)
    return re.findall(r"'(\w+)'", body)


def test_every_event_kind_is_either_an_action_or_something_that_befell_the_case() -> None:
    # A kind added to models/case.py must be put into one of the lists, or actions would go missing without a sound.
    assert sorted([*kinds("action_kinds"), *kinds("happening_kinds")]) == sorted(kind.value for kind in EventKind)


def test_every_communication_is_an_event_kind_and_replies_are_no_action_of_ours() -> None:
    assert set(kinds("communication_kinds")) <= {kind.value for kind in EventKind}
    assert set(kinds("communication_kinds")) - set(kinds("action_kinds")) == {"customer_replied"}


def test_sql_and_detection_mean_the_same_source_by_our_own_notes() -> None:
    text = (MACROS / "signals.sql").read_text(encoding="utf-8")
    assert re.findall(r"macro own_source\(\) -%} (\w+) {%- endmacro", text) == [OWN_SOURCE]
    assert (ROOT / "models" / "contracts" / f"{OWN_SOURCE}__case_note.yml").exists()
