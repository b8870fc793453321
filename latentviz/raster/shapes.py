"""What masks were made of, as shapes that matplotlib draws, for pictures of lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from .fonts import text_options

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

Color = tuple[int, int, int]


class Shape(Protocol):
    """A shape at a place of the page, in pixels from its top left corner."""

    def moved(self, dx: float, dy: float) -> Self:
        """The same elsewhere."""
        ...

    def faded(self, opacity: float) -> Self:
        """The same, of which so much is seen, 0 to 1."""
        ...

    def draw(self, figure: Figure, color: Color, z: float) -> Artist:
        """Draw it on a figure that is as large as the page, one pixel a point.

        Args:
            figure: Where.
            color: Its bytes.
            z: Above all of a lower number.
        """
        ...


@dataclass(frozen=True)
class Letters:
    """A line of text, which stays text where the format has any."""

    text: str
    size_px: float
    x: float
    baseline: float
    align: str  # ``left``, ``center`` or ``right``: what of it lies at x
    stroke_px: float = 0.0  # so much thicker are the letters on all sides
    alpha: float = 1.0

    def moved(self, dx: float, dy: float) -> Letters:
        """See `Shape`."""
        return replace(self, x=self.x + dx, baseline=self.baseline + dy)

    def faded(self, opacity: float) -> Letters:
        """See `Shape`."""
        return replace(self, alpha=self.alpha * opacity)

    def draw(self, figure: Figure, color: Color, z: float) -> Artist:
        """See `Shape`."""
        from matplotlib.patheffects import Stroke

        width, height = _page(figure)
        drawn = figure.text(
            self.x / width, 1 - self.baseline / height, self.text, color=_share(color),
            fontsize=self.size_px, ha=self.align, va="baseline", parse_math=False, zorder=z,
            alpha=self.alpha, **text_options(self.text),
        )  # fmt: skip
        if self.stroke_px:
            stroke = Stroke(
                linewidth=2 * self.stroke_px,
                foreground=_share(color),
                joinstyle="round",
                alpha=self.alpha,
            )
            drawn.set_path_effects([stroke])
        return drawn


@dataclass(frozen=True, eq=False)
class Area:
    """A filled polygon."""

    corners: NDArray[np.float64]  # (k, 2)
    alpha: float = 1.0

    def moved(self, dx: float, dy: float) -> Area:
        """See `Shape`."""
        return replace(self, corners=self.corners + np.array([dx, dy]))

    def faded(self, opacity: float) -> Area:
        """See `Shape`."""
        return replace(self, alpha=self.alpha * opacity)

    def draw(self, figure: Figure, color: Color, z: float) -> Artist:
        """See `Shape`."""
        from matplotlib.patches import Polygon

        return figure.add_artist(
            Polygon(
                _from_bottom(self.corners, figure), facecolor=(*_share(color), self.alpha),
                linewidth=0, transform=None, zorder=z, snap=False,
            )
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Strokes:
    """Lines, each of an opacity of its own."""

    lines: NDArray[np.float64]  # (m, 2, 2): the line, its ends, right and down
    alphas: NDArray[np.float64]  # (m,)
    width_px: float

    def moved(self, dx: float, dy: float) -> Strokes:
        """See `Shape`."""
        return replace(self, lines=self.lines + np.array([dx, dy]))

    def faded(self, opacity: float) -> Strokes:
        """See `Shape`."""
        return replace(self, alphas=self.alphas * opacity)

    def draw(self, figure: Figure, color: Color, z: float) -> Artist:
        """See `Shape`."""
        from matplotlib.collections import LineCollection
        from matplotlib.transforms import IdentityTransform

        rgba = np.column_stack([np.tile(_share(color), (len(self.lines), 1)), self.alphas])
        lines = LineCollection(
            list(_from_bottom(self.lines, figure)), colors=rgba, linewidths=self.width_px,
            # Round ends would lie over each other, and show.
            capstyle="butt", transform=IdentityTransform(), zorder=z,
        )  # fmt: skip
        return figure.add_artist(lines)


def clip_to(artist: Artist, figure: Figure, box: tuple[float, float, float, float]) -> None:
    """Draw nothing of an artist beyond a box, (left, top, right, bottom) in pixels."""
    from matplotlib.transforms import Bbox

    left, top, right, bottom = box
    height = _page(figure)[1]
    artist.set_clip_on(True)
    artist.set_clip_box(Bbox([[left, height - bottom], [right, height - top]]))


def _page(figure: Figure) -> tuple[float, float]:
    width, height = figure.bbox.size
    return float(width), float(height)


def _from_bottom(places: NDArray[np.float64], figure: Figure) -> Any:
    """Places (..., 2), right and down, as matplotlib counts them, right and up."""
    return (0, _page(figure)[1]) + places * (1, -1)


def _share(color: Color) -> tuple[float, float, float]:
    r, g, b = color
    return r / 255, g / 255, b / 255
