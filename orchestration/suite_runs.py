"""Running suites on the stores: where each table lies and the numbers its suite asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from expectations.results import CheckResult
from expectations.suites import Suite
from intake.watermark import resolve_as_of
from models.settings import Settings
from orchestration.programme import in_force


def run_suites(settings: Settings, suites: Sequence[Suite]) -> Iterator[CheckResult]:
    """Every check of every suite, in order."""
    from expectations.run import run_suite

    as_of = datetime.fromisoformat(f"{resolve_as_of(settings)}+00:00")
    causes = [cause.id for cause in in_force(settings).programme.taxonomy.causes]
    for suite in suites:
        yield from run_suite(
            suite, _table(settings, suite), as_of=as_of, numbers=_numbers(settings, suite), sets={"causes": causes}
        )


def _table(settings: Settings, suite: Suite) -> Path:
    if suite.batched:
        return settings.landing / suite.asset.removeprefix("raw_")
    return settings.ml_outputs / f"{suite.asset}.parquet"


def _numbers(settings: Settings, suite: Suite) -> Mapping[str, float]:
    numbers: dict[str, float] = {}
    if "quarantined" in suite.numbers:
        from expectations.run import quarantined_rows

        numbers["quarantined"] = quarantined_rows(settings.quarantine / suite.asset.removeprefix("raw_"))
    if "texts" in suite.numbers:
        import pyarrow.parquet as pq

        hashes = pq.read_table(settings.handoff / "int_signal.parquet", columns=["text_hash"]).column("text_hash")
        numbers["texts"] = len(hashes) - hashes.null_count
    return numbers
