"""A board: any number of still projections of the same points, large and small, with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theme import Theme, rgb_bytes
from .hud import Sprite, blend_sprite
from .page import UNIT_RADIUS, interleaved


@dataclass(frozen=True, eq=False)
class Plot:
    """One projection, and where it stands; the first of a board lies on top."""

    positions: NDArray[np.float32]  # (N, 2), right and up
    center: tuple[float, float]  # of the origin, in pixels from the top left corner
    px_per_unit: float


def draw_board(
    size: tuple[int, int],
    plots: Sequence[Plot],
    sprites: Sequence[Sprite],
    *,
    colors: NDArray[np.float32],
    dot_radius: float,
    alpha: float,
    theme: Theme,
) -> NDArray[np.uint8]:
    """Draw a board.

    Args:
        size: (width, height) in pixels.
        plots: Where which points are drawn, each over a unit disc.
        sprites: Text.
        colors: (N, 3) in 0..1.
        dot_radius: In data units.
        alpha: Opacity of a dot.
        theme: Where the other colors come from.

    Returns:
        (H, W, 3) uint8.
    """
    from .discs import composite

    width, height = size
    canvas = np.empty((3, height, width), np.uint8)
    n_points = len(colors)
    centers, kinds, inks, radii, alphas = [], [], [], [], []
    dots = np.asarray(colors[::-1], np.float32) * np.float32(255)
    disc = np.array([rgb_bytes(theme.disc)], np.float32)
    for n, plot in enumerate(plots):
        scale = np.float32(plot.px_per_unit) * np.array([1, -1], np.float32)
        origin = np.array([plot.center], np.float32)
        # Topmost first: the points from the last, then the unit disc.
        centers += [origin + scale * plot.positions[::-1], origin]
        kinds += [np.full(n_points, 2 * n, np.int32), np.array([2 * n + 1], np.int32)]
        inks += [dots, disc]
        radii += [dot_radius * plot.px_per_unit, UNIT_RADIUS * plot.px_per_unit]
        alphas += [alpha, 1.0]
    places = np.concatenate(centers)
    composite(
        canvas, np.array(rgb_bytes(theme.background), np.uint8), height,
        np.ascontiguousarray(places[:, :1]), np.ascontiguousarray(places[:, 1:]),
        np.ones(len(places), np.int32), np.concatenate(kinds), np.concatenate(inks),
        np.array(radii, np.float32), np.array(alphas, np.float32),
    )  # fmt: skip
    for sprite in sprites:
        blend_sprite(canvas, sprite)
    return interleaved(canvas)
