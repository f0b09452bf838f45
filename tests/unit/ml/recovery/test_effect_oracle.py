"""Our effects against EconML's and DoubleML's on a table of known nuisances (`benchmarks/effect_oracle.py` makes both)."""

from __future__ import annotations

import json

from benchmarks.effect_oracle_check import STORED, distances


def test_average_effect_and_effect_on_the_treated_are_those_of_econml_and_doubleml() -> None:
    apart = distances(json.loads(STORED.read_text(encoding="utf-8")))
    assert apart["EconML average"] < 1e-9
    assert apart["DoubleML average"] < 1e-9
    assert apart["DoubleML on the treated"] < 5e-4
