"""What does not change during a film, drawn once by matplotlib: background, curves, legends."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..backend import import_matplotlib
from ..scene import CurvePanel
from ..text import printable, shortened
from ..theme import Theme
from .fonts import missing_told_once, text_options
from .layout import SIDE_MARGIN, Box, Layout
from .panel import LEAST_TEXT_PX, draw_panel, draw_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One point is one pixel, so that font sizes and line widths are in pixels.
DPI = 72

LEGEND_PX = 20.0  # sizes on a page of 1080 pixels
LEAST_LEGEND_PX = 13.0
LEGEND_GAP_PX = 20.0
LONGEST_NAME = 32

# Matplotlib's settings are the process's: two threads that each replaced and restored them would
# leave the one's to the user.
_style = threading.RLock()


def draw_chrome(layout: Layout, panels: tuple[CurvePanel, ...], theme: Theme) -> NDArray[np.uint8]:
    """The background of every frame, (3, H, W) uint8."""
    from matplotlib.figure import Figure

    width, height = layout.size
    with plain_style():
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=theme.background)
        for panel, box, legend in zip(panels, layout.panels, layout.legends, strict=True):
            axes = _axes(figure, layout, box)
            draw_panel(axes, panel, theme, layout.scale)
            draw_legend(figure, layout.size, layout.scale, legend, panel, theme)
            draw_titles(
                figure, axes, panel, theme, layout.scale,
                left_px=box.x - SIDE_MARGIN * layout.scale,
            )  # fmt: skip
        return np.ascontiguousarray(figure_pixels(figure).transpose(2, 0, 1))


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
        # It is told of once, by ourselves.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def _axes(figure: Figure, layout: Layout, box: Box) -> Axes:
    width, height = layout.size
    bottom = height - box.y - box.height
    return figure.add_axes((box.x / width, bottom / height, box.width / width, box.height / height))


def draw_legend(
    figure: Figure, size: tuple[int, int], scale: float, box: Box, panel: CurvePanel, theme: Theme
) -> None:
    """The curves' names in their colours, in a row; smaller, or counted, if they are many.

    The panel's note gives way to a brief one, and that to nothing.

    Args:
        figure: Where.
        size: The figure's (width, height) in pixels.
        scale: How large all things are, 1 on a page of 1080 pixels.
        box: The row, in pixels.
        panel: Whose curves.
        theme: Where the colours come from.
    """
    least = max(LEAST_LEGEND_PX * scale, LEAST_TEXT_PX)
    entries, text_px = _fitting_legend(
        panel, theme, box.width, gap=LEGEND_GAP_PX * scale,
        most_px=max(LEGEND_PX * scale, least), least_px=least,
    )  # fmt: skip
    gap, widths = LEGEND_GAP_PX * scale, [_width(text, text_px) for text, _ in entries]
    x = box.x
    for (text, color), width in zip(entries, widths, strict=True):
        figure.text(
            x / size[0], 1 - (box.y + 0.45 * box.height) / size[1], text, color=color,
            fontsize=text_px, va="center_baseline", ha="left", parse_math=False,
            **text_options(text),
        )  # fmt: skip
        x += width + gap


def _fitting_legend(
    panel: CurvePanel, theme: Theme, room: float, *, gap: float, most_px: float, least_px: float
) -> tuple[list[tuple[str, str]], float]:
    """A legend's texts and their colours, and how large they are, such that they fit a width.

    However many curves there are, no more names are measured than there is room for.
    """
    names = [
        (shortened(printable(curve.name), LONGEST_NAME), curve.color) for curve in panel.curves
    ]
    # What is said of the panel is said before all names, in fewer words where room is scarce.
    said = dict.fromkeys([panel.label + panel.note, panel.label + panel.brief_note])
    labels = [[(words, theme.muted)] for words in said if words] or [[]]
    for label in labels:
        entries = [*label, *names]
        if gap * (len(entries) - 1) > room:
            continue
        text_px = most_px
        while True:
            if _length([text for text, _ in entries], text_px, gap) <= room:
                return entries, text_px
            if text_px <= least_px:
                break
            text_px = max(least_px, text_px - 1)
    # Names that do not fit at the least size are counted instead, the last ones first.
    label = labels[-1]
    if len(names) == 1:
        return [*label, *names], least_px
    if _length([*(text for text, _ in label), f"+{len(names)}"], least_px, gap) > room:
        label = [(panel.label, theme.muted)] if panel.label else []
    kept = 0
    for n in range(len(names)):
        texts = [text for text, _ in [*label, *names[:n]]]
        if _length(texts, least_px, gap) > room:
            break
        if _length([*texts, f"+{len(names) - n}"], least_px, gap) <= room:
            kept = n
    return [*label, *names[:kept], (f"+{len(names) - kept}", theme.muted)], least_px


def _length(texts: Sequence[str], size_px: float, gap: float) -> float:
    return sum(_width(text, size_px) for text in texts) + gap * (len(texts) - 1)


@lru_cache(maxsize=4096)
def _width(text: str, size_px: float) -> float:
    """How long a line of text is, in pixels, as this module draws it; measured once."""
    import_matplotlib()
    from matplotlib.figure import Figure

    return text_width(Figure(dpi=DPI), text, size_px)


def text_width(figure: Figure, text: str, size_px: float) -> float:
    """How long a line of text is, in pixels."""
    probe = figure.text(0, 0, text, fontsize=size_px, parse_math=False, **text_options(text))
    width = probe.get_window_extent().width
    probe.remove()
    return float(width)
