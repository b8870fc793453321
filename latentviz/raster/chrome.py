"""What does not change during a film, drawn once by matplotlib: background, curves, legends."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..scene import CurvePanel
from ..text import printable
from ..theme import Theme
from .layout import Box, Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One point is one pixel, so that font sizes and line widths are in pixels.
DPI = 72

TICK_PX = 17.0  # sizes on a page of 1080 pixels
LEGEND_PX = 20.0
LEAST_LEGEND_PX = 13.0
LEGEND_GAP_PX = 20.0
LEAST_TEXT_PX = 8.0  # on any page
LONGEST_NAME = 32
LINE_PX = 2.2
KEY_PX = 7.0
DASHES = (6, 6)
LEAST_KEY_PX = 4.0

# A log axis that spans less than this may hold no power of ten to mark.
LEAST_LOG_RANGE = 30.0

# More points than this are thinned out to each pixel column's least and greatest.
CURVE_COLUMNS = 2048


def draw_chrome(layout: Layout, panels: tuple[CurvePanel, ...], theme: Theme) -> NDArray[np.uint8]:
    """The background of every frame, (3, H, W) uint8."""
    from matplotlib.figure import Figure

    width, height = layout.size
    with plain_style():
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=theme.background)
        for panel, box, legend in zip(panels, layout.panels, layout.legends, strict=True):
            draw_panel(_axes(figure, layout, box), panel, theme, layout.scale)
            draw_legend(figure, layout.size, layout.scale, legend, panel, theme)
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
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "latentviz"
        # A box in its place says enough of a character that the font does not have.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def _axes(figure: Figure, layout: Layout, box: Box) -> Axes:
    width, height = layout.size
    bottom = height - box.y - box.height
    return figure.add_axes((box.x / width, bottom / height, box.width / width, box.height / height))


def draw_panel(axes: Axes, panel: CurvePanel, theme: Theme, scale: float) -> None:
    """A panel's curves, with keyframes marked.

    Args:
        axes: Where.
        panel: What.
        theme: Where the colours come from.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.set_facecolor(theme.background)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.grid(True, axis="y", color=theme.grid, linewidth=max(1.0, 1.2 * scale))
    axes.set_axisbelow(True)
    axes.margins(y=0.08)  # so that the highest curve stays clear of the legend
    text_px = max(LEAST_TEXT_PX, TICK_PX * scale)
    axes.tick_params(colors=theme.muted, labelsize=text_px, length=0, pad=6 * scale, which="both")
    # Negative values have no place on a log axis, and zeros alone would leave it empty.
    values = np.concatenate([curve.values for curve in panel.curves])
    log = panel.log and bool((values > 0).any()) and not bool((values < 0).any())
    for n, curve in enumerate(panel.curves):
        # One that lies on another is dashed, so that both are seen.
        hides = any(np.array_equal(c.values, curve.values, True) for c in panel.curves[:n])
        # A log axis has no place for 0: rather left out than drawn at its edge.
        shown = np.where(curve.values > 0, curve.values, np.nan) if log else curve.values
        # Matplotlib overflows where a margin is added to the greatest of numbers.
        shown = np.clip(shown, 1e-100 if log else -1e100, 1e100)
        steps, values = _thinned(panel.steps, shown)
        axes.plot(
            steps, values, color=curve.color, linewidth=max(1.0, LINE_PX * scale),
            marker="o" if len(steps) == 1 else None, markersize=KEY_PX * scale,
            linestyle=(0, DASHES) if hides else "-",
        )  # fmt: skip
        axes.plot(
            panel.steps[curve.keyed], shown[curve.keyed], "D", color=curve.color,
            markersize=max(LEAST_KEY_PX, KEY_PX * scale), markeredgecolor=theme.background,
            markeredgewidth=1.2 * scale, clip_on=False, zorder=3,
        )  # fmt: skip
    first, last = float(panel.steps[0]), float(panel.steps[-1])
    axes.set_xlim(first, max(last, first + 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    # Numbers in full, and no power of ten set apart: that would stand where there is no room.
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = axes.get_ylim()
    if log:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        few_decades = high / low < LEAST_LOG_RANGE
        axes.yaxis.set_major_locator(MaxNLocator(4) if few_decades else LogLocator(numticks=5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        # As many as there is room for.
        room = int(axes.bbox.height / (1.5 * text_px))
        axes.yaxis.set_major_locator(MaxNLocator(min(4, max(1, room))))
        # Zero says how much a value is; a constant would otherwise fill the axis with its rounding.
        axes.set_ylim(min(low, 0.0), max(high, 0.0))
    axes.yaxis.set_minor_locator(NullLocator())


def _thinned(
    steps: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each column's least and greatest value, which look the same on the page as all of them."""
    if len(values) <= 2 * CURVE_COLUMNS:
        return steps, values
    edges = np.linspace(0, len(values), CURVE_COLUMNS + 1).astype(np.int64)[:-1]
    low = np.fmin.reduceat(values, edges)
    high = np.fmax.reduceat(values, edges)
    return np.repeat(steps[edges], 2), np.stack([low, high], 1).ravel()


def draw_legend(
    figure: Figure, size: tuple[int, int], scale: float, box: Box, panel: CurvePanel, theme: Theme
) -> None:
    """The curves' names in their colours, in a row; smaller, or counted, if they are many.

    Args:
        figure: Where.
        size: The figure's (width, height) in pixels.
        scale: How large all things are, 1 on a page of 1080 pixels.
        box: The row, in pixels.
        panel: Whose curves.
        theme: Where the colours come from.
    """
    label = [(panel.label, theme.muted)] if panel.label else []
    entries = [
        *label,
        *((_shortened(printable(curve.name)), curve.color) for curve in panel.curves),
    ]
    gap = LEGEND_GAP_PX * scale
    least = max(LEAST_LEGEND_PX * scale, LEAST_TEXT_PX)
    text_px = max(LEGEND_PX * scale, least)
    n_left_out = 0

    def widths() -> list[float]:
        return [text_width(figure, text, text_px) for text, _ in entries]

    while sum(widths()) + gap * (len(entries) - 1) > box.width:
        if text_px > least:
            text_px = max(least, text_px - 1)
        elif len(entries) > len(label) + 1:
            # Names that do not fit at the least size are counted instead, the last ones first.
            n_left_out += 1
            kept = len(label) + len(panel.curves) - n_left_out
            entries = [*entries[:kept], (f"+{n_left_out}", theme.muted)]
        else:
            break
    x = box.x
    for (text, color), width in zip(entries, widths(), strict=True):
        figure.text(
            x / size[0], 1 - (box.y + 0.45 * box.height) / size[1], text, color=color,
            fontsize=text_px, va="center_baseline", ha="left", parse_math=False,
        )  # fmt: skip
        x += width + gap


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def text_width(figure: Figure, text: str, size_px: float) -> float:
    """How long a line of text is, in pixels."""
    probe = figure.text(0, 0, text, fontsize=size_px, parse_math=False)
    width = probe.get_window_extent().width
    probe.remove()
    return float(width)
