"""How the pictures that matplotlib draws are set up: sizes in pixels, a theme's colors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..raster.chart import LEAST_TEXT_PX
from ..raster.chrome import DPI
from ..raster.fonts import text_options
from ..theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

TITLE_PX = 26.0  # sizes on a picture of its default size
LABEL_PX = 19.0
TICK_PX = 16.0
MIN_SIDE = 160
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")
MAX_SIDE = 8192
LEAST_SCALE = 0.5
FEW_DECADES = 3


def scaled_px(size: float, scale: float) -> float:
    """A font's size on a picture on which all things are so large; it can be read on any."""
    return max(LEAST_TEXT_PX, size * scale)


@dataclass(frozen=True)
class Sheet:
    """A figure to draw on, measured in pixels from its top left corner."""

    figure: Figure
    theme: Theme
    size: tuple[int, int]
    scale: float
    """How large all things are, 1 at the picture's default size."""

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes at a place given in pixels, in the theme's colors, without a frame."""
        w, h = self.size
        axes = self.figure.add_axes((x / w, 1 - (y + height) / h, width / w, height / h))
        self.style(axes)
        return axes

    def style(self, axes: Axes) -> None:
        """Give axes the theme's colors, and take their frame away."""
        axes.set_facecolor(self.theme.background)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(
            colors=self.theme.muted, labelsize=self.px(TICK_PX), length=0, pad=6 * self.scale,
            which="both",
        )  # fmt: skip

    def text(self, x: float, y: float, text: str, size: float = LABEL_PX, **options: Any) -> float:
        """Text with its baseline at a place given in pixels; gives where it ends to the right."""
        w, h = self.size
        given = {"color": self.theme.text, "ha": "left", "va": "baseline"} | options
        given |= text_options(text)
        drawn = self.figure.text(
            x / w, 1 - y / h, text, fontsize=self.px(size), parse_math=False, **given
        )
        return float(drawn.get_window_extent().x1)

    def px(self, size: float) -> float:
        """A font's size on this picture."""
        return scaled_px(size, self.scale)


def name_hues(axes: Axes, per_turn: float, *, most: int = 7) -> None:
    """Name the hues along an x axis on which a turn of the hue circle is ``per_turn`` long.

    Args:
        axes: Where.
        per_turn: From one red to the next.
        most: How many names there is room for: 7 (all, and red again), 6 or 3.
    """
    low, high = axes.get_xlim()
    every = 2 if most == len(HUES) // 2 else 1
    places = {k * per_turn / len(HUES): HUES[k % len(HUES)] for k in range(0, most * every, every)}
    shown = {x: name for x, name in places.items() if low <= x <= high}
    axes.set_xticks(list(shown), list(shown.values()))


def label_log(axis: Axis, low: float, high: float) -> None:
    """Label a log axis at its powers of ten, or at 1, 2, 5 of each if it has only one or two."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullLocator

    decades = math.floor(math.log10(high)) - math.ceil(math.log10(low)) + 1
    subs = (1.0,) if decades >= FEW_DECADES else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_minor_locator(NullLocator())
    everything = (math.inf, math.inf)
    axis.set_major_formatter(
        LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=everything)
    )


def new_sheet(size: tuple[int, int], theme: Theme, *, default: tuple[int, int]) -> Sheet:
    """An empty figure.

    Args:
        size: (width, height) in pixels.
        theme: Where the colors come from.
        default: The size at which the scale is 1.

    Raises:
        OptionError: The size is out of range.
    """
    from matplotlib.figure import Figure

    check_picture_size(size)
    width, height = size
    scale = picture_scale(size, default)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=theme.background)
    return Sheet(figure, theme, size, scale)


def picture_scale(size: tuple[int, int], default: tuple[int, int]) -> float:
    """How large all things are on a picture, 1 at its default size.

    Raises:
        OptionError: Nobody could read it.
    """
    scale = min(size[0] / default[0], size[1] / default[1])
    if scale < LEAST_SCALE:
        width, height = (round(LEAST_SCALE * side) for side in default)
        raise OptionError(
            f"this picture can be read from {width}x{height} pixels on, got {size[0]}x{size[1]}"
        )
    return scale


def check_picture_size(size: tuple[int, int]) -> None:
    """Find out that a picture cannot have this size.

    Raises:
        OptionError: It cannot.
    """
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        raise OptionError(
            f"a picture's sides must lie within {MIN_SIDE} to {MAX_SIDE} pixels, got "
            f"{size[0]}x{size[1]}"
        )
