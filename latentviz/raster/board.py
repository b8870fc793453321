"""A board: any number of still projections of the same points, large and small, with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..theme import Theme, rgb_bytes
from .hud import Sprite, blend_sprite
from .page import UNIT_RADIUS, interleaved

# Far outside, where no dot shows: a disc of the compositor's cannot be left out, as the discs of
# all plots share one list of colours.
_NOWHERE = np.float32(1e9)
_LEFT, _RIGHT, _TOP, _BOTTOM = range(4)
# A mark at an edge, as a polygon in its own square, which the edge bounds.
_MARKS = {
    _LEFT: ((1, 0), (1, 1), (0.2, 0.5)),
    _RIGHT: ((0, 0), (0, 1), (0.8, 0.5)),
    _TOP: ((0, 1), (1, 1), (0.5, 0.2)),
    _BOTTOM: ((0, 0), (1, 0), (0.5, 0.8)),
}
_MARK_SHARE = 1 / 14  # of a plot's side, at most
_FINER = 8  # a mark is drawn so many times as large, and made smaller, for smooth edges


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
        """(N,) which points lie beyond its limits; they are not drawn, but marked at the edge."""
        return np.asarray((np.abs(self.positions) > self.limits).any(-1))


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
        * np.where(plot.beyond[:, None], _NOWHERE, plot.positions)[::-1]
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
    marks = [mark for plot in plots for mark in edge_marks(plot, mark_px, rgb_bytes(theme.text))]
    for sprite in [*marks, *sprites]:
        blend_sprite(canvas, sprite)
    return interleaved(canvas)


def edge_marks(plot: Plot, mark_px: float, color: tuple[int, int, int]) -> list[Sprite]:
    """Triangles outside a plot's edges, where points lie beyond; one where they would overlap."""
    far = plot.positions[plot.beyond].astype(np.float64) / plot.limits
    if len(far) == 0:
        return []
    mark_px = min(mark_px, plot.side * _MARK_SHARE)
    right, up = far.T
    sideways = np.abs(right) >= np.abs(up)
    edge = np.where(sideways, np.where(right > 0, _RIGHT, _LEFT), np.where(up > 0, _TOP, _BOTTOM))
    # How far along its edge each is, in pixels from the middle.
    along = np.clip(np.where(sideways, -up, right), -1, 1) * plot.side / 2
    places = sorted({(int(e), round(a / mark_px)) for e, a in zip(edge, along, strict=True)})
    half = plot.side / 2 + mark_px / 2
    sprites = []
    for edge_of, n in places:
        at = n * mark_px
        x, y = {
            _LEFT: (-half, at), _RIGHT: (half, at), _TOP: (at, -half), _BOTTOM: (at, half)
        }[edge_of]  # fmt: skip
        mask = _mark(edge_of, max(2, round(mark_px)))
        left = round(plot.center[0] + x - mark_px / 2)
        top = round(plot.center[1] + y - mark_px / 2)
        sprites.append(Sprite(mask, left, top, color))
    return sprites


def _mark(edge: int, side: int) -> NDArray[np.float32]:
    large = side * _FINER
    image = Image.new("L", (large, large))
    corners = [(x * (large - 1), y * (large - 1)) for x, y in _MARKS[edge]]
    ImageDraw.Draw(image).polygon(corners, fill=255)
    smaller = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(smaller, dtype=np.float32) / np.float32(255)
