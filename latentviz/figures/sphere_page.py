"""A page of views in space: where they stand, what is written beside them, and its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..raster.chrome import draw_chrome
from ..raster.keys import KeyPainter, key_height, key_panel
from ..raster.labels import placed_labels
from ..raster.lettering import Sprite, blend_sprite_once, fitted_text, font, text_sprite
from ..raster.page import interleaved
from ..raster.spheres import View
from ..scene import Box, Categories, KeyPanel, Labels, Ramp
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
PAINTED = 0.9  # of the sizes of a film's page, for keys and names
LINE_SHARE = 0.35  # of the way from the disc's color to that of muted text


@dataclass(frozen=True, eq=False)
class Page:
    """Where everything stands, in pixels from the upper left corner. Made by `page_of`."""

    size: tuple[int, int]
    theme: Theme
    scale: float
    side: int  # of a view
    corners: list[tuple[int, int]]  # the upper left one of each view
    band: KeyPanel | None = None  # the key, below the heading

    @cached_property
    def ground(self) -> NDArray[np.uint8]:
        """The page without its views and its text, (H, W, 3)."""
        painters = []
        if self.band is not None:
            painters.append(KeyPainter(self.band, self.theme, self.size, PAINTED * self.scale))
        return interleaved(draw_chrome(self.size, painters, self.theme.background))

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

    def names(
        self, views: Sequence[Labels | None], limit: float, share: float
    ) -> tuple[list[Sprite], int]:
        """The names beside spheres, and how many there is no room for, the most of any view.

        Args:
            views: The names in each view.
            limit: What the views show.
            share: A sphere's radius as a share of it.
        """
        sprites: list[Sprite] = []
        n_left_out, half = 0, self.side / 2
        for (x, y), labels in zip(self.corners, views, strict=True):
            if labels is None:
                continue
            from_center = labels.moments.astype(np.float64) * (1, -1) / limit
            at_px = (x + half, y + half) + from_center * half
            within = Box(x, y, self.side, self.side)
            placed = placed_labels(
                labels, at_px, radius_px=share * half, scale=PAINTED * self.scale, within=within,
                theme=self.theme,
            )  # fmt: skip
            n_left_out = max(n_left_out, placed.n_left_out)
            sprites += placed.sprites(at_px[-1], within)
        return sprites, n_left_out

    def compose(
        self, pictures: Iterable[NDArray[np.uint8]], sprites: Sequence[Sprite]
    ) -> NDArray[np.uint8]:
        """The page, (H, W, 3), with a picture for each view, and text."""
        pixels = self.ground.copy()
        for (x, y), picture in zip(self.corners, pictures, strict=True):
            pixels[y : y + self.side, x : x + self.side] = picture
        for sprite in sprites:
            blend_sprite_once(pixels, sprite)
        return pixels


def page_of(
    size: tuple[int, int], n_views: int, theme: Theme, *, key: Categories | Ramp | None = None
) -> Page:
    """Lay out the views in rows, as large as they can be, with equal gaps; below a key, if any.

    Raises:
        OptionError: They are too many.
    """
    width, height = size

    def laid_out(columns: int) -> tuple[int, float, int, float]:
        rows = -(-n_views // columns)
        k = min(width / (columns * COLUMN_PX), height / (HEADING_PX + rows * ROW_PX))
        k = max(k, LEAST_SCALE)
        band = 0.0
        if key is not None:
            band = key_height(key, width - 2 * MARGIN_PX * k, PAINTED * k)
        across = (width - (columns + 1) * GAP_PX * k) / columns
        down = (height - (HEADING_PX + GAP_PX) * k - band) / rows - (NAME_PX + GAP_PX) * k
        return int(min(across, down)), k, columns, band

    side, k, columns, band = max(laid_out(columns) for columns in range(1, n_views + 1))
    if side < LEAST_SIDE:
        raise OptionError(f"{n_views} views do not fit into {width}x{height}; make it larger")
    rows = -(-n_views // columns)
    gap = (width - columns * side) / (columns + 1)
    top = HEADING_PX * k + band
    spare = height - top - rows * (side + NAME_PX * k)
    corners = []
    for n in range(n_views):
        row, column = divmod(n, columns)
        x = gap + column * (side + gap)
        y = top + NAME_PX * k + row * (side + NAME_PX * k) + (row + 1) * spare / (rows + 1)
        corners.append((round(x), round(y)))
    if key is None:
        return Page(size, theme, k, side, corners)
    box = Box(MARGIN_PX * k, HEADING_PX * k, width - 2 * MARGIN_PX * k, band)
    return Page(size, theme, k, side, corners, key_panel(box, key))
