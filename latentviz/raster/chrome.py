"""Matplotlib's part of a picture or film, in its own defaults, and as pixels."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..backend import import_matplotlib
from ..theme import rgb_bytes
from .fonts import missing_told_once, text_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .painter import Painter

# One point is one pixel, so that font sizes and line widths are in pixels.
DPI = 72

# Matplotlib's settings are the process's: two threads that each replaced and restored them would
# leave the one's to the user.
_style = threading.RLock()


def draw_chrome(
    size: tuple[int, int], painters: Iterable[Painter[Any, Any]], ground: str
) -> NDArray[np.uint8]:
    """What is the same in every frame of a film, on a ground of a color, (3, H, W) uint8."""
    painters = tuple(painters)
    if not any(
        painter.has_chrome for painter in painters
    ):  # as of a live picture of colors, beside a training that may use matplotlib
        canvas = np.empty((3, *size[::-1]), np.uint8)
        canvas[:] = np.array(rgb_bytes(ground), np.uint8)[:, None, None]
        return canvas
    with plain_style():
        figure = chrome_figure(size, painters, ground)
        return np.ascontiguousarray(figure_pixels(figure).transpose(2, 0, 1))


def chrome_figure(
    size: tuple[int, int], painters: Iterable[Painter[Any, Any]], ground: str
) -> Figure:
    """`draw_chrome` as a figure; made within `plain_style`."""
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=ground)
    for painter in painters:
        if painter.has_chrome:
            painter.chrome(figure)
    return figure


def figure_pixels(figure: Figure) -> NDArray[np.uint8]:
    """A figure as (H, W, 3) uint8. Not by pyplot, which keeps what it draws."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib's own gap
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # as above
    return np.ascontiguousarray(rgba[..., :3])


@contextmanager
def plain_style() -> Iterator[None]:
    """Matplotlib's own defaults, not the user's: the same run gives the same pixels everywhere."""
    import_matplotlib()
    import matplotlib as mpl

    with _style, missing_told_once(), mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "latentviz"
        # Publishers refuse matplotlib's own kind. An SVG has the outlines of letters, not text: it
        # looks alike where the fonts are missing.
        mpl.rcParams["pdf.fonttype"] = 42
        # It is told of once, by ourselves.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def text_width(figure: Figure, text: str, size_px: float) -> float:
    """How long a line of text is, in pixels."""
    probe = figure.text(0, 0, text, fontsize=size_px, parse_math=False, **text_options(text))
    width = probe.get_window_extent().width
    probe.remove()
    return float(width)
