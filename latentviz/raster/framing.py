"""What stands around and behind a framed cloud: its line, the origin, the disc, and a scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..scene import CloudPanel
from ..theme import Theme
from .chart import LEAST_TEXT_PX
from .layout import Window
from .legend import text_length
from .ticks import linear_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE_PX = 1.5  # sizes on a page of 1080 pixels
NUMBER_PX = 16.0
TICK_PX = 5.0
MOST_NUMBERS = 4  # of which the first and the last are written


def draw_frame(
    figure: Figure,
    size: tuple[int, int],
    panel: CloudPanel,
    window: Window,
    theme: Theme,
    scale: float,
) -> None:
    """Draw all that lies below the dots of a framed panel, and the numbers along its edge.

    Args:
        figure: Where.
        size: The figure's (width, height) in pixels.
        panel: The panel.
        window: Where its data lie.
        theme: Where the colors come from.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Rectangle

    body, height = panel.cell.body, size[1]
    line_px = max(1.0, round(LINE_PX * scale))
    left, right = body.x, body.x + body.width
    low, high = height - body.y - body.height, height - body.y  # from the page's bottom
    # The line lies outside: dots go up to it.
    frame = Rectangle(
        (left - line_px / 2, low - line_px / 2), body.width + line_px, body.height + line_px,
        fill=False, edgecolor=theme.grid, linewidth=line_px, transform=None, snap=False,
        joinstyle="miter",
    )  # fmt: skip
    figure.add_artist(frame)
    inside = Rectangle((left, low), body.width, body.height, transform=None)
    x, y = (
        window.center[0] - panel.center[0] * window.px_per_unit,
        height - window.center[1] - panel.center[1] * window.px_per_unit,
    )
    if panel.plate_radius is not None:
        disc = Circle(
            (x, y), panel.plate_radius * window.px_per_unit, facecolor=theme.disc,
            edgecolor=theme.muted, linewidth=line_px if panel.turns else 0, transform=None,
        )  # fmt: skip
        figure.add_artist(disc)
        disc.set_clip_path(inside)
    look: dict[str, Any] = {"color": theme.grid, "linewidth": line_px, "transform": None}
    if left < x < right:
        figure.add_artist(Line2D([x, x], [low, high], solid_capstyle="butt", **look))
    if low < y < high:
        figure.add_artist(Line2D([left, right], [y, y], solid_capstyle="butt", **look))
    if panel.numbered:
        _draw_numbers(figure, size, panel, window, theme, scale)


def _draw_numbers(
    figure: Figure,
    size: tuple[int, int],
    panel: CloudPanel,
    window: Window,
    theme: Theme,
    scale: float,
) -> None:
    """Two round numbers below the frame, as far as there is room for them."""
    from matplotlib.lines import Line2D

    body = panel.cell.body
    text_px, tick_px = max(LEAST_TEXT_PX, NUMBER_PX * scale), max(2.0, TICK_PX * scale)
    middle, limits = panel.center[0], panel.limits
    ticks = linear_ticks(middle - limits, middle + limits, most=MOST_NUMBERS)
    chosen = dict(zip(ticks.values, ticks.labels, strict=True))
    taken = body.x - text_px  # up to where the row is
    for value in dict.fromkeys([ticks.values[0], ticks.values[-1]]):
        x = window.center[0] + (value - middle) * window.px_per_unit
        text = chosen[value]
        length = text_length(text, text_px)
        start = min(max(x - length / 2, body.x), body.x + body.width - length)
        if start < taken + text_px / 2:
            continue
        taken = start + length
        bottom = size[1] - body.y - body.height
        figure.add_artist(
            Line2D([x, x], [bottom, bottom - tick_px], color=theme.muted, linewidth=1.0,
                   transform=None)
        )  # fmt: skip
        figure.text(
            start / size[0], (bottom - 1.3 * tick_px) / size[1], text, color=theme.muted,
            fontsize=text_px, ha="left", va="top",
        )  # fmt: skip
