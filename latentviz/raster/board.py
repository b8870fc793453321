"""A board: any number of still projections of the same points, large and small, with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theme import Theme, rgb_bytes
from .discs import dots, draw_discs, plate, stacked
from .lettering import Sprite, blend_sprite
from .marks import edge_marks
from .page import interleaved

_MARK_SHARE = 1 / 14  # of a plot's side, at most


@dataclass(frozen=True, eq=False)
class Plot:
    """One projection, and where it stands; the first of a board lies on top."""

    positions: NDArray[np.float32]  # (N, 2), right and up
    center: tuple[float, float]  # of the origin, in pixels from the top left corner
    side: float  # of the square that it fills, in pixels
    limits: float  # it shows -limits..limits of the data, to either side and up and down

    @property
    def px_per_unit(self) -> float:
        """How many pixels a unit of the data is long."""
        return self.side / (2 * self.limits)

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """(N,) which points lie beyond its limits, and are marked at the edge instead of drawn."""
        return np.asarray((np.abs(self.positions) > self.limits).any(-1))


def draw_board(
    size: tuple[int, int],
    plots: Sequence[Plot],
    sprites: Sequence[Sprite],
    *,
    rgb: NDArray[np.float32],
    order: NDArray[np.int64],
    dot_share: float,
    alpha: float,
    mark_px: float,
    theme: Theme,
) -> NDArray[np.uint8]:
    """Draw a board: the unit discs of all plots, over them all dots, then marks and text.

    Args:
        size: (width, height) in pixels.
        plots: Where which points are drawn, each over a unit disc; dots that run over from one
            lie on its neighbour's disc.
        sprites: Text.
        rgb: (N, 3) in 0..1.
        order: (N,) the points' numbers; a later one covers an earlier one.
        dot_share: A dot's radius, as a share of its plot's limits.
        alpha: Opacity of a dot.
        mark_px: How large the triangle is that stands at an edge of a plot where points lie
            beyond; smaller at a small plot.
        theme: Where the other colors come from.

    Returns:
        (H, W, 3) uint8.
    """
    width, height = size
    canvas = np.empty((3, height, width), np.uint8)
    canvas[:] = np.array(rgb_bytes(theme.background), np.uint8)[:, None, None]
    layers = [
        dots(
            np.where(plot.beyond[:, None], np.float32(np.nan), plot.positions)[:, None],
            rgb,
            order,
            center=plot.center,
            px_per_unit=plot.px_per_unit,
            radius_px=dot_share * plot.limits * plot.px_per_unit,
            alpha=alpha,
        )
        for plot in plots
    ]
    plates = [plate(plot.center, plot.px_per_unit, rgb_bytes(theme.disc)) for plot in plots]
    draw_discs(canvas, stacked([*layers, *plates]), box=(0, 0, width, height))
    marks = [
        mark
        for plot in plots
        for mark in edge_marks(
            plot.positions,
            reach=(plot.limits, plot.limits),
            center=plot.center,
            half_px=(plot.side / 2, plot.side / 2),
            px_per_unit=plot.px_per_unit,
            mark_px=min(mark_px, plot.side * _MARK_SHARE),
            color=rgb_bytes(theme.text),
            outside=True,
        )
    ]
    for sprite in [*marks, *sprites]:
        blend_sprite(canvas, sprite)
    return interleaved(canvas)
