"""The names of a chart's curves, in their colors, in a row above it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ..backend import import_matplotlib
from ..palette import role_color
from ..scene import Box, Chart
from ..text import printable, shortened
from ..theme import Theme
from .chart import LEAST_TEXT_PX
from .chrome import DPI
from .fonts import text_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGEND_PX = 20.0  # sizes on a page of 1080 pixels
LEAST_LEGEND_PX = 13.0
LEGEND_GAP_PX = 20.0
LONGEST_NAME = 32


def draw_legend(
    figure: Figure, size: tuple[int, int], scale: float, box: Box, chart: Chart, theme: Theme
) -> None:
    """The curves' names in their colors, in a row; smaller, or counted, if they are many.

    The chart's note gives way to a brief one, and that to nothing.

    Args:
        figure: Where.
        size: The figure's (width, height) in pixels.
        scale: How large all things are, 1 on a page of 1080 pixels.
        box: The row, in pixels.
        chart: Whose curves.
        theme: Where the colors come from.
    """
    least = max(LEAST_LEGEND_PX * scale, LEAST_TEXT_PX)
    entries, text_px = _fitting_legend(
        chart, theme, box.width, gap=LEGEND_GAP_PX * scale,
        most_px=max(LEGEND_PX * scale, least), least_px=least,
    )  # fmt: skip
    gap, widths = LEGEND_GAP_PX * scale, [text_length(text, text_px) for text, _ in entries]
    x = box.x
    for (text, color), width in zip(entries, widths, strict=True):
        figure.text(
            x / size[0], 1 - (box.y + 0.45 * box.height) / size[1], text, color=color,
            fontsize=text_px, va="center_baseline", ha="left", parse_math=False,
            **text_options(text),
        )  # fmt: skip
        x += width + gap


def _fitting_legend(
    chart: Chart, theme: Theme, room: float, *, gap: float, most_px: float, least_px: float
) -> tuple[list[tuple[str, str]], float]:
    """A legend's texts and their colors, and how large they are, such that they fit a width.

    However many curves there are, no more names are measured than there is room for.
    """
    names = [
        (shortened(printable(curve.name), LONGEST_NAME), role_color(curve.role, theme))
        for curve in chart.curves
    ]
    # What is said of the chart is said before all names, in fewer words where room is scarce.
    said = dict.fromkeys([chart.label + chart.note, chart.label + chart.brief_note])
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
        label = [(chart.label, theme.muted)] if chart.label else []
    kept = 0
    for n in range(len(names)):
        texts = [text for text, _ in [*label, *names[:n]]]
        if _length(texts, least_px, gap) > room:
            break
        if _length([*texts, f"+{len(names) - n}"], least_px, gap) <= room:
            kept = n
    return [*label, *names[:kept], (f"+{len(names) - kept}", theme.muted)], least_px


def _length(texts: Sequence[str], size_px: float, gap: float) -> float:
    return sum(text_length(text, size_px) for text in texts) + gap * (len(texts) - 1)


@lru_cache(maxsize=4096)
def text_length(text: str, size_px: float) -> float:
    """How long a line of text is, in pixels, as matplotlib draws it; measured once."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    # Five times as fast as to ask a text that stands on a figure.
    font = FontProperties(size=size_px, **text_options(text))
    renderer = RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]  # matplotlib's own gap
    size = renderer.get_text_width_height_descent(text, font, False)  # type: ignore[no-untyped-call]
    return float(size[0])
