"""One series at a time: anomalies as they come, change points afterwards; one set of parameters per kind of series."""

from ml.detection.series.anomalies import ALARM, DAILY, STREAM, Kind, anomaly_scores
from ml.detection.series.changes import Onset, change_points, onset
from ml.detection.series.watch import Finding, watch

__all__ = [
    "ALARM", "DAILY", "STREAM", "Finding", "Kind", "Onset", "anomaly_scores", "change_points", "onset", "watch",
]  # fmt: skip
