"""The page of a history: where its projections and its key stand, and its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..raster.grid import Grid, fitting_grid
from ..raster.keys import key_height
from ..raster.lettering import Sprite, fitted_text, font, text_sprite
from ..raster.squares import LEAST_SCALES_PX, SCALES
from ..scene import Box, Categories, Ramp
from ..text import printable
from ..theme import Theme, rgb_bytes
from .axes import LABEL_PX, TICK_PX, TITLE_PX, picture_scale, scaled_px

SIZE = (1600, 900)

MARGIN_PX = 44.0
TITLE_PX_FROM_TOP = 54.0
TOP_PX = 72.0  # of the key, and the room for the large projections below it
TITLE_ROW_PX = 40.0  # above each of them
TITLE_RISE_PX = 16.0  # of the titles' baselines, for the marks of what lies beyond
GAP_PX = 24.0
STRIP_ROW_PX = 40.0  # above the thumbnails
STRIP_RISE_PX = 14.0
STEP_ROW_PX = 30.0  # below each of them
STEP_DROP_PX = 24.0
THUMBNAIL_PX = 150.0
THUMBNAIL_SHARE = 0.5  # of a large projection, at most
THUMBNAIL_GAP_PX = 12.0
PAINTED = 0.9  # of the sizes of a film's page, for what the painters of films write here


@dataclass(frozen=True, eq=False)
class HistoryPage:
    """Where everything stands, in pixels. Made by `history_page`."""

    size: tuple[int, int]
    large: tuple[Box, ...]
    """A square for each large projection."""
    thumbnails: tuple[Box, ...]
    """A square for each earlier state."""
    key: Box | None
    """The band of what the colors mean."""

    @property
    def k(self) -> float:
        """How large all things are, 1 at the picture's default size."""
        return picture_scale(self.size, SIZE)

    @property
    def scale(self) -> float:
        """The same for painters, whose sizes are those of a film's page."""
        return PAINTED * self.k

    def words(
        self,
        theme: Theme,
        *,
        title: str,
        beside: str,
        names: Sequence[str],
        above_strip: str,
        steps: Sequence[int],
    ) -> list[Sprite]:
        """All that is written.

        Args:
            theme: Where the colors come from.
            title: Of the page, shortened if it must be.
            beside: On the same line, at the right.
            names: Of the large projections.
            above_strip: Above the thumbnails.
            steps: Of these.
        """
        k, room = self.k, self.size[0] - 2 * MARGIN_PX * self.k
        text, muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
        head, label, small = (font(scaled_px(px, k)) for px in (TITLE_PX, LABEL_PX, TICK_PX))
        left, y = MARGIN_PX * k, TITLE_PX_FROM_TOP * k
        beside = fitted_text(beside, small, room / 2)
        title = fitted_text(title, head, room - small.getlength(beside) - GAP_PX * k)
        sprites = [
            text_sprite(title, head, left, y, text),
            text_sprite(beside, small, left + room, y, muted, anchor="rs"),
        ]
        for name, box in zip(names, self.large, strict=True):
            name = fitted_text(printable(name), label, box.width)
            at = box.x + box.width / 2, box.y - TITLE_RISE_PX * k
            sprites.append(text_sprite(name, label, *at, text, anchor="ms"))
        if not self.thumbnails:
            return sprites
        left, top = self.thumbnails[0].x, self.thumbnails[0].y
        above_strip = fitted_text(above_strip, small, MARGIN_PX * k + room - left)
        sprites.append(text_sprite(above_strip, small, left, top - STRIP_RISE_PX * k, muted))
        for step, box in zip(steps, self.thumbnails, strict=True):
            at = box.x + box.width / 2, box.y + box.height + STEP_DROP_PX * k
            name = f"step {step}"
            name = name if small.getlength(name) <= box.width else str(step)
            sprites.append(text_sprite(name, small, *at, muted, anchor="ms"))
        return sprites


def history_page(
    size: tuple[int, int],
    n_large: int,
    n_thumbnails: int,
    *,
    framed: bool,
    key: Categories | Ramp | None,
) -> HistoryPage:
    """Lay out a page.

    Args:
        size: (width, height) in pixels.
        n_large: How many large projections there are.
        n_thumbnails: How many earlier states.
        framed: Whether projections stand in frames, the large ones with numbers below them.
        key: What the colors mean.

    Raises:
        OptionError: Nobody could read it.
    """
    k = picture_scale(size, SIZE)
    width, height = size
    margin, top = MARGIN_PX * k, TOP_PX * k
    room, band = width - 2 * margin, None
    if key is not None:
        band = Box(margin, top, room, key_height(key, room, PAINTED * k))
        top += band.height
    foot = max(LEAST_SCALES_PX, SCALES * PAINTED * k) if framed else 0.0
    grid, strip = _grids(n_large, n_thumbnails, (room, height - top - margin), k, foot)
    fit = _on_whole_pixels if framed else _as_it_is
    large = tuple(
        fit(margin + x + grid.width / 2, top + y + grid.height / 2, grid.height)
        for x, y in grid.places()
    )
    thumbnails: tuple[Box, ...] = ()
    if strip is not None:
        # The head of the grid's boxes stands below the thumbnails.
        up = height - margin - strip.total_height - strip.head
        thumbnails = tuple(
            fit(margin + x + strip.width / 2, up + y + strip.height / 2, strip.height)
            for x, y in strip.places()
        )
    return HistoryPage(size, large, thumbnails, band)


def _as_it_is(x: float, y: float, side: float) -> Box:
    """A square around a place."""
    return Box(x - side / 2, y - side / 2, side, side)


def _on_whole_pixels(x: float, y: float, side: float) -> Box:
    """The same on whole pixels: a frame is a line of the same width on all sides."""
    side = max(1, math.floor(side))
    return Box(round(x - side / 2), round(y - side / 2), side, side)


def _grids(
    n_large: int, n_thumbnails: int, room: tuple[float, float], k: float, foot: float
) -> tuple[Grid, Grid | None]:
    """The large projections, and the thumbnails, which take what these leave of the height."""
    width, height = room
    options: dict[str, Any] = {
        "aspect": 1.0,
        "gap": GAP_PX * k,
        "head": TITLE_ROW_PX * k,
        "foot": foot,
    }
    if n_thumbnails == 0:
        return fitting_grid(n_large, room, **options), None
    small: dict[str, Any] = {"aspect": 1.0, "gap": THUMBNAIL_GAP_PX * k, "head": STEP_ROW_PX * k}
    height -= STRIP_ROW_PX * k
    # At least a row of them.
    row = (THUMBNAIL_PX + STEP_ROW_PX) * k
    row = fitting_grid(n_thumbnails, (width, row), **small).total_height
    large = fitting_grid(n_large, (width, height - row), **options)
    thumbnails = fitting_grid(
        n_thumbnails, (width, height - large.total_height), **small,
        most=THUMBNAIL_SHARE * large.height,
    )  # fmt: skip
    used = thumbnails.total_height
    return (
        replace(large, room=(width, height - used)),
        replace(thumbnails, room=(width, used)),
    )
