"""Single series against published collections: NAB for anomalies, TCPD for change points, one parameter set each.

NAB: the standard profile over the series at hand, threshold chosen once for the whole collection, as the benchmark does.
TCPD: mean F1 (margin 5, several annotators) and covering over the univariate series. Beside them the stock methods by the
same scorers: windowed Gaussian; never an alarm, and binary segmentation with its defaults.

Run: `python -m benchmarks.detect_public` (`--data` names another folder of the same shape).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from benchmarks import scoring_nab, scoring_tcpd
from benchmarks.harness import finish
from benchmarks.scoring_nab import Array
from ml.detection.series.anomalies import ALARM, anomaly_scores
from ml.detection.series.changes import change_points
from models.settings import ROOT

DATA = ROOT.parent / "shared" / "data"
LEAST_NAB, LEAST_TCPD = 60.0, 0.744


def public_scores(data: Path | None = None) -> dict[str, float]:
    """Figures of both collections below `data`; those that are absent are left out."""
    folder = data or DATA
    return {**(_nab(folder / "nab") if (folder / "nab").exists() else {}),
            **(_tcpd(folder / "tcpd") if (folder / "tcpd").exists() else {})}  # fmt: skip


def _nab(folder: Path) -> dict[str, float]:
    collection = scoring_nab.read_collection(folder)
    ours = scoring_nab.scored(collection, lambda series: anomaly_scores(series.values, timestamps=series.timestamps))
    stock = scoring_nab.scored(collection, lambda series: scoring_nab.windowed_gaussian(series.values))
    return {
        "nab": ours["standard"].best[0], "nab_threshold": ours["standard"].best[1],
        "nab_fixed": ours["standard"].at(ALARM), "nab_lowfp": ours["low_fp"].best[0],
        "nab_lowfn": ours["low_fn"].best[0], "nab_stock": stock["standard"].best[0], "nab_series": float(len(collection)),
    }  # fmt: skip


def _tcpd(folder: Path) -> dict[str, float]:
    collection = scoring_tcpd.read_collection(folder)

    def figures(detect: Callable[[Array], Sequence[int]]) -> tuple[float, float]:
        found = scoring_tcpd.scored(collection, detect).values()
        return mean(one[0] for one in found), mean(one[1] for one in found)

    f1, cover = figures(change_points)
    never, stock = figures(lambda _: ()), figures(scoring_tcpd.default_binary_segmentation)
    return {
        "tcpd_f1": f1, "tcpd_cover": cover, "tcpd_never_f1": never[0], "tcpd_stock_f1": stock[0],
        "tcpd_series": float(len(collection)),
    }  # fmt: skip


def main() -> None:
    """Score and print one line; the ratio is our NAB score to the stock one's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    found = public_scores(parser.parse_args().data)
    if not found:
        print("neither collection is at hand: nothing was scored")
        finish("detect_public", float("nan"), guard=True, nab_series=0, tcpd_series=0)
    guard = found.get("nab", LEAST_NAB) >= LEAST_NAB and found.get("tcpd_f1", 1.0) > LEAST_TCPD
    finish("detect_public", found.get("nab", 0.0) / max(found.get("nab_stock", 1.0), 1e-9), guard=guard, **found)


if __name__ == "__main__":
    main()
