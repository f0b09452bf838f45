"""The page on metrics names the rates that are computed, no more and no fewer."""

from __future__ import annotations

import re
from itertools import product

from tests.integration.warehouse.stores import AS_OF, Stores
from tests.support import ROOT


def spelled_out(name: str) -> set[str]:
    """`rate_{7,14}d` as the names it stands for."""
    parts = re.split(r"\{([^}]*)\}", name)
    return {"".join(choice) for choice in product(*(p.split(",") if i % 2 else [p] for i, p in enumerate(parts)))}


def on_the_page() -> set[str]:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    section = page.split("## Rates by week")[1].split("What goes into them")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in first_cells for written in re.findall(r"`([^`]+)`", cell) for name in spelled_out(written)}


def test_the_page_on_metrics_names_every_rate_that_is_computed_and_no_other(stores: Stores) -> None:
    (compiled,) = stores.compiled("agg_recovery_week", as_of=AS_OF)
    assert set(re.findall(r"'(\w+)' as metric", compiled)) == on_the_page()
