"""A page of views in space: where they stand, what is written beside them, and its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..raster.lettering import Sprite, blend_sprite_once, fitted_text, font, text_sprite
from ..raster.spheres import View
from ..theme import Theme, rgb_bytes
from .axes import LABEL_PX, TICK_PX, TITLE_PX, scaled_px

# Sizes on a picture of the default size, which has so much room for each view.
COLUMN_PX = 600.0
ROW_PX = 640.0
MARGIN_PX = 24.0
HEADING_PX = 60.0
BASELINE_PX = 42.0
NAME_PX = 32.0  # the row above each view
GAP_PX = 12.0  # the least there is around each view
LEAST_SIDE = 32  # of a view
LEAST_SCALE = 0.45  # below, there would be no room for text that can be read
LINE_SHARE = 0.35  # of the way from the disc's color to that of muted text


@dataclass(frozen=True, eq=False)
class Page:
    """Where everything stands, in pixels from the upper left corner. Made by `page_of`."""

    size: tuple[int, int]
    theme: Theme
    scale: float
    side: int  # of a view
    corners: list[tuple[int, int]]  # the upper left one of each view

    def view(self, limit: float) -> View:
        """The view that all triples share."""
        disc, muted = (rgb_bytes(color) for color in (self.theme.disc, self.theme.muted))
        line = (round(d + LINE_SHARE * (m - d)) for d, m in zip(disc, muted, strict=True))
        return View(
            side_px=self.side,
            limit=limit,
            background=self.theme.background,
            disc=self.theme.disc,
            line="#" + bytes(line).hex(),
        )

    def text(self, title: str, names: Sequence[str], *, with_rims: bool) -> list[Sprite]:
        """The heading, what the views show, and the name of each."""
        k, (width, height) = self.scale, self.size
        text, muted = rgb_bytes(self.theme.text), rgb_bytes(self.theme.muted)
        left, right = MARGIN_PX * k, width - MARGIN_PX * k
        face = font(scaled_px(TITLE_PX, k))
        title = fitted_text(title, face, right - left)
        sprites = [text_sprite(title, face, left, BASELINE_PX * k, text)]
        start = left + face.getlength(title) + 2 * MARGIN_PX * k
        face = font(scaled_px(TICK_PX, k))
        note = "[right, up, toward the viewer]"
        if with_rims:
            note = f"fill: true color, rim: reconstructed   {note}"
        if start + face.getlength(note) <= right:
            sprites.append(text_sprite(note, face, right, BASELINE_PX * k, muted, anchor="rs"))
        elif left + face.getlength(note) <= right:
            sprites.append(text_sprite(note, face, left, height - MARGIN_PX / 2 * k, muted))
        face = font(scaled_px(LABEL_PX, k))
        for (x, y), name in zip(self.corners, names, strict=True):
            at = x + self.side / 2, y - NAME_PX * k / 3
            name = fitted_text(name, face, self.side)
            sprites.append(text_sprite(name, face, *at, text, anchor="ms"))
        return sprites

    def compose(
        self, pictures: Iterable[NDArray[np.uint8]], sprites: Sequence[Sprite]
    ) -> NDArray[np.uint8]:
        """The page, (H, W, 3), with a picture for each view, and text."""
        width, height = self.size
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[:] = rgb_bytes(self.theme.background)
        for (x, y), picture in zip(self.corners, pictures, strict=True):
            pixels[y : y + self.side, x : x + self.side] = picture
        for sprite in sprites:
            blend_sprite_once(pixels, sprite)
        return pixels


def page_of(size: tuple[int, int], n_views: int, theme: Theme) -> Page:
    """Lay out the views in rows, as large as they can be, with equal gaps.

    Raises:
        OptionError: They are too many.
    """
    width, height = size

    def laid_out(columns: int) -> tuple[int, float, int]:
        rows = -(-n_views // columns)
        k = min(width / (columns * COLUMN_PX), height / (HEADING_PX + rows * ROW_PX))
        k = max(k, LEAST_SCALE)
        across = (width - (columns + 1) * GAP_PX * k) / columns
        down = (height - (HEADING_PX + GAP_PX) * k) / rows - (NAME_PX + GAP_PX) * k
        return int(min(across, down)), k, columns

    side, k, columns = max(laid_out(columns) for columns in range(1, n_views + 1))
    if side < LEAST_SIDE:
        raise OptionError(f"{n_views} views do not fit into {width}x{height}; make it larger")
    rows = -(-n_views // columns)
    gap = (width - columns * side) / (columns + 1)
    spare = height - HEADING_PX * k - rows * (side + NAME_PX * k)
    corners = []
    for n in range(n_views):
        row, column = divmod(n, columns)
        x = gap + column * (side + gap)
        y = (
            HEADING_PX * k
            + NAME_PX * k
            + row * (side + NAME_PX * k)
            + (row + 1) * spare / (rows + 1)
        )
        corners.append((round(x), round(y)))
    return Page(size, theme, k, side, corners)
