"""Limits of the suites that no contract states: how much is too much.

Belongs here: thresholds with their reasons. Not here: ranges and allowed values of a column, which are its contract's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Thresholds of the suites; shares are 0..1.

    Quarantine: sources with a few broken rows are normal, a tenth of a delivery is a changed export. Volume and shift
    compare the newest batch with the median of up to `batches` earlier ones and only warn: holidays and campaigns are
    real. Batches under `volume_rows` rows are too small to say. Below `enough_rows` rows a share is noise: at 200 rows
    two equal samples of five categories differ by about 0.08. Coverage is short of 1 because texts may arrive between
    scoring and checking. Three codes in ten called wrong say more about the model than about those who coded.
    """

    quarantine_share: float = 0.10
    volume_low: float = 0.2
    volume_high: float = 5.0
    batches: int = 8
    batches_needed: int = 3
    volume_rows: int = 30
    shift: float = 0.3
    enough_rows: int = 200
    coverage: float = 0.99
    unassigned_topics: float = 0.6
    dominant_cause: float = 0.6
    miscoded_share: float = 0.3
    evidence_characters: int = 4_000
