"""Names that follow their points, each on the side that was chosen for it once.

Names do not lie on each other: one that comes close to an earlier one fades, and is gone before
they touch. How much of it is seen goes with how close they are, so that none flickers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..scene import Box, Labels
from ..text import printable
from ..theme import Theme, rgb_bytes
from .fonts import missing_told_once
from .label_places import is_within, label_places, overlaps, pushed_within
from .lettering import Sprite, fitted_text, font, text_sprite

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

LABEL_PX = 17.0  # sizes on a page of 1080 pixels
LEAST_LABEL_PX = 9.0  # on any page
HALO_SHARE = 0.14  # of a letter's size, around it
DOT_GAP_SHARE = 0.2  # of it, between a dot and its name
NAMES_GAP_SHARE = 0.3  # of it, between two names: from here on one fades
FAINT = 0.25  # a name of less opacity may lie below another
LONGEST_SHARE = 0.4  # of the panel's width


@dataclass(frozen=True, eq=False)
class PlacedLabel:
    """A name as a mask, and its ground, both about the top left corner of its letters."""

    text: str
    halo: Sprite
    letters: Sprite


@dataclass(frozen=True, eq=False)
class SeenLabel:
    """A name in a frame."""

    label: PlacedLabel
    corner_px: tuple[float, float]
    """The top left corner of its letters, right and down."""
    opacity: float
    """Above 0, and 1 for a name that no other is close to."""


@dataclass(frozen=True, eq=False)
class PlacedLabels:
    """The names of a panel, placed. Made by `placed_labels`."""

    labels: tuple[PlacedLabel, ...]
    points: NDArray[np.int64]  # (L,)
    offsets_px: NDArray[np.float64]  # (L, 2) from the point to the corner
    sizes_px: NDArray[np.float64]  # (L, 2)
    gap_px: float
    size_px: float
    """Of the letters."""
    n_left_out: int
    """Names that others hide at the last moment."""

    def seen(self, at_px: NDArray[np.float64], within: Box) -> list[SeenLabel]:
        """The names of a frame, the most important first.

        Args:
            at_px: (N, 2) where the points are, right and down; NaN for nowhere.
            within: The panel; a point beyond it has no name, and no name runs over its edge.
        """
        at = at_px[self.points]
        there = is_within(at, within)
        corners = pushed_within(at + self.offsets_px, self.sizes_px, within)
        boxes = np.concatenate([corners, corners + self.sizes_px], -1)
        shown: list[SeenLabel] = []
        opacities: list[float] = []
        taken: list[int] = []
        for k in np.flatnonzero(there).tolist():
            opacity = 1.0
            if taken:
                deep = overlaps(boxes[k], boxes[taken], self.gap_px) / self.gap_px
                # One that is all but gone itself hides the less.
                hiding = np.minimum(np.array(opacities) / FAINT, 1)
                opacity = float(np.prod(1 - np.minimum(deep, 1) * hiding))
            if opacity > 0:
                taken.append(k)
                opacities.append(opacity)
                corner = float(corners[k, 0]), float(corners[k, 1])
                shown.append(SeenLabel(self.labels[k], corner, opacity))
        return shown

    def sprites(self, at_px: NDArray[np.float64], within: Box) -> Iterator[Sprite]:
        """The names of a frame, as `seen` has them."""
        shown = self.seen(at_px, within)
        # All halos lie below all names.
        for each in shown:
            yield _moved(each.label.halo, each)
        for each in shown:
            yield _moved(each.label.letters, each)


def placed_labels(
    labels: Labels,
    at_px: NDArray[np.float64],
    *,
    radius_px: float,
    scale: float,
    within: Box,
    theme: Theme,
) -> PlacedLabels:
    """Letter names, and give each a side of its point.

    Args:
        labels: The names, the most important first.
        at_px: (F, N, 2) where all points are at `Labels.moments`, right and down.
        radius_px: Of a dot.
        scale: How large all things are, 1 on a page of 1080 pixels.
        within: The panel.
        theme: Where the colors come from.
    """
    size_px = max(LEAST_LABEL_PX, LABEL_PX * scale)
    face, room = font(size_px), LONGEST_SHARE * within.width
    with missing_told_once():
        lettered = [_lettered(text, face, size_px, room, theme) for text in labels.texts]
    sizes = np.array([label.letters.mask.shape[::-1] for label in lettered], np.float64)
    gap_px = NAMES_GAP_SHARE * size_px
    places = label_places(
        at_px[:, labels.points],
        sizes,
        distance_px=radius_px + DOT_GAP_SHARE * size_px,
        gap_px=gap_px,
        dots_px=at_px[-1],
        within=within,
    )
    shown = np.flatnonzero(places.is_shown)
    return PlacedLabels(
        tuple(lettered[k] for k in shown.tolist()),
        labels.points[shown],
        places.offsets_px[shown],
        sizes[shown],
        gap_px,
        size_px,
        places.n_hidden_last,
    )


def _lettered(
    text: str, face: FreeTypeFont, size_px: float, room: float, theme: Theme
) -> PlacedLabel:
    # A name of blanks is seen as such.
    name = fitted_text(printable(text if text.strip() else repr(text)), face, room)
    stroke = max(1, round(HALO_SHARE * size_px))
    letters = text_sprite(name, face, 0, 0, rgb_bytes(theme.text), anchor="la")
    ground = rgb_bytes(theme.background)
    halo = text_sprite(name, face, 0, 0, ground, anchor="la", stroke_px=stroke)
    # About the corner of the letters' mask, which may begin elsewhere than the line does.
    to = -letters.x, -letters.y
    return PlacedLabel(name, halo.moved(*to), letters.moved(*to))


def _moved(sprite: Sprite, seen: SeenLabel) -> Sprite:
    x, y = (round(side) for side in seen.corner_px)
    there = sprite.moved(x, y)
    return there if seen.opacity == 1 else there.faded(seen.opacity)
