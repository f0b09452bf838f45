"""Plots without pyplot: no global state, no display, safe in any thread.

Belongs here: an empty figure and its bytes. Not here: what is drawn (each room's own figures).
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def png(figure: Figure) -> bytes:
    """A figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def inline(figure: Figure) -> str:
    """A figure as a `data:` address, to be shown where no file can lie beside the page."""
    return "data:image/png;base64," + base64.b64encode(png(figure)).decode()
