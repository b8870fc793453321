"""A board: any number of still projections of the same points, large and small, with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theme import Theme, rgb_bytes
from .lettering import Sprite, blend_sprite
from .marks import edge_marks
from .page import UNIT_RADIUS, interleaved

# Far outside, where no dot shows: a disc of the compositor's cannot be left out, as the discs of
# all plots share one list of colours.
_NOWHERE = np.float32(1e9)
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

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """(N,) which points are not drawn: those beyond, and those that are NaN."""
        return self.beyond | np.isnan(self.positions).any(-1)


def draw_board(
    size: tuple[int, int],
    plots: Sequence[Plot],
    sprites: Sequence[Sprite],
    *,
    colors: NDArray[np.float32],
    dot_share: float,
    alpha: float,
    mark_px: float,
    theme: Theme,
) -> NDArray[np.uint8]:
    """Draw a board: the unit discs of all plots, over them all dots, then marks and text.

    Args:
        size: (width, height) in pixels.
        plots: Where which points are drawn, each over a unit disc; a later point covers an
            earlier one.
        sprites: Text.
        colors: (N, 3) in 0..1.
        dot_share: A dot's radius, as a share of its plot's limits.
        alpha: Opacity of a dot.
        mark_px: How large the triangle is that stands at an edge of a plot where points lie
            beyond; smaller at a small plot.
        theme: Where the other colors come from.

    Returns:
        (H, W, 3) uint8.
    """
    from .discs import composite

    width, height = size
    canvas = np.empty((3, height, width), np.uint8)
    n_plots, n_points = len(plots), len(colors)
    scales = np.array([plot.px_per_unit for plot in plots], np.float32)
    origins = np.array([plot.center for plot in plots], np.float32)
    # Topmost first: each plot's points from the last, then the unit discs of all: dots that run
    # over from a plot below lie on its neighbour's disc.
    centers = [
        origin
        + scale * np.array([1, -1], np.float32)
        * np.where(plot.hidden[:, None], _NOWHERE, plot.positions)[::-1]
        for plot, scale, origin in zip(plots, scales, origins, strict=True)
    ]  # fmt: skip
    places = np.concatenate([*centers, origins])
    # Dots of one plot are of one kind, and so is each disc.
    kinds = np.concatenate(
        [np.repeat(np.arange(n_plots), n_points), n_plots + np.arange(n_plots)]
    ).astype(np.int32)
    dots = np.tile(np.asarray(colors[::-1], np.float32) * np.float32(255), (n_plots, 1))
    discs = np.tile(np.array(rgb_bytes(theme.disc), np.float32), (n_plots, 1))
    radii = [dot_share * plot.limits * plot.px_per_unit for plot in plots]
    composite(
        canvas, np.array(rgb_bytes(theme.background), np.uint8), height,
        np.ascontiguousarray(places[:, :1]), np.ascontiguousarray(places[:, 1:]),
        np.ones(len(places), np.int32), kinds, np.concatenate([dots, discs]),
        np.concatenate([radii, UNIT_RADIUS * scales]).astype(np.float32),
        np.repeat([alpha, 1.0], n_plots).astype(np.float32),
    )  # fmt: skip
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
