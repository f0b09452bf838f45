"""The only place that starts Great Expectations, and the only one that sees its results.

Belongs here: an ephemeral context without files, documentation site, analytics and progress bars; the reduction of a
result to counts. Not here: what is checked (`suites.py`) or computed (`run.py`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expectations.suites import Check, Suite, to_expectations

if TYPE_CHECKING:
    import pandas as pd

# BASIC with an empty sample: counts, and not one unexpected value even in memory.
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass
class Tally:
    """Counts of one check over the blocks seen so far."""

    rows: int = 0
    missing: int = 0
    unexpected: int = 0
    error: str | None = None
    masks: Counter[int] = field(default_factory=Counter)

    def passes(self, mostly: float) -> bool:
        """Great Expectations' own rule, over all blocks together."""
        present = self.rows - self.missing
        return self.error is None and (present == 0 or (present - self.unexpected) / present >= mostly)

    def count_masks(self, faults: pd.Series[int]) -> None:
        """Add up which parts of a check were at fault, from its measure in one block."""
        self.masks.update(faults[faults != 0].value_counts().to_dict())

    def add(self, counts: Mapping[str, Any]) -> None:
        """Add one block's counts; a result without counts is an expectation that raised."""
        if "element_count" not in counts:
            self.error = "the expectation could not be evaluated"
            return
        self.rows += int(counts["element_count"])
        self.missing += int(counts["missing_count"])
        self.unexpected += int(counts["unexpected_count"])


def judge(
    suite: Suite, sets: Mapping[str, Sequence[str]]
) -> Callable[[pd.DataFrame, Sequence[Check], Mapping[str, Tally]], None]:
    """A function that lets Great Expectations hold a frame against checks and adds the counts to the tallies by name.

    One context serves all frames of a suite (it costs more than a check does). An exception inside an expectation is
    kept as a fixed sentence: its own message may quote a value.
    """
    context = _context()
    asset = context.data_sources.add_pandas("amends").add_dataframe_asset(suite.asset)
    definition = asset.add_batch_definition_whole_dataframe("all")

    def look(frame: pd.DataFrame, checks: Sequence[Check], tallies: Mapping[str, Tally]) -> None:
        batch = definition.get_batch({"dataframe": frame})
        for result in batch.validate(to_expectations(suite, checks, sets), result_format=_RESULT_FORMAT).results:
            tallies[result.expectation_config.meta["check"]].add(result.result)

    return look


def _context() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read once, when great_expectations is imported
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)
