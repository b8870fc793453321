"""Names that follow their points, each on the side that was chosen for it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..scene import Box, Labels
from ..text import printable
from ..theme import Theme, rgb_bytes
from .label_places import label_places
from .lettering import Sprite, fitted_text, font, text_sprite

LABEL_PX = 17.0  # sizes on a page of 1080 pixels
LEAST_LABEL_PX = 9.0  # on any page
HALO_SHARE = 0.14  # of a letter's size, around it
GAP_SHARE = 0.2  # of it, between a dot and its name
LONGEST_SHARE = 0.4  # of the panel's width


@dataclass(frozen=True, eq=False)
class PlacedLabel:
    """A name as a mask, and where it stands from its point."""

    point: int
    halo: Sprite
    text: Sprite


@dataclass(frozen=True, eq=False)
class PlacedLabels:
    """The names of a panel, placed. Made by `placed_labels`."""

    shown: tuple[PlacedLabel, ...]
    n_left_out: int
    """Names that there is no room for."""

    def sprites(self, at_px: NDArray[np.float64], within: Box) -> Iterator[Sprite]:
        """The names of a frame.

        Args:
            at_px: (N, 2) where the points are, right and down; NaN for nowhere.
            within: The panel; a point beyond it has no name, and no name runs over its edge.
        """
        low = np.array([within.x, within.y])
        high = low + np.array([within.width, within.height])
        seen = ((at_px >= low) & (at_px <= high)).all(-1)
        shown = [label for label in self.shown if seen[label.point]]
        # All halos lie below all names.
        for label in shown:
            yield from _moved(label.halo, at_px[label.point], within)
        for label in shown:
            yield from _moved(label.text, at_px[label.point], within)


def placed_labels(
    labels: Labels, at_px: NDArray[np.float64], *, radius_px: float, scale: float,
    within: Box, theme: Theme,
) -> PlacedLabels:  # fmt: skip
    """Letter names, and give each a side of its point.

    Args:
        labels: The names.
        at_px: (F, N, 2) where all points are at `Labels.moments`, right and down.
        radius_px: Of a dot.
        scale: How large all things are, 1 on a page of 1080 pixels.
        within: The panel.
        theme: Where the colors come from.
    """
    size_px = max(LEAST_LABEL_PX, LABEL_PX * scale)
    face, stroke = font(size_px), max(1, round(HALO_SHARE * size_px))
    room = LONGEST_SHARE * within.width
    masks = []
    for text in labels.texts:
        name = fitted_text(printable(text), face, room) or " "
        letters = text_sprite(name, face, 0, 0, rgb_bytes(theme.text), anchor="la")
        halo = text_sprite(
            name, face, 0, 0, rgb_bytes(theme.background), anchor="la", stroke_px=stroke
        )
        masks.append((halo, letters))
    sizes = np.array([letters.mask.shape[::-1] for _, letters in masks], np.float64)
    places = label_places(
        at_px[:, labels.points], sizes, distance_px=radius_px + GAP_SHARE * size_px,
        dots_px=at_px[-1], within=within,
    )  # fmt: skip
    shown = []
    for k in np.flatnonzero(places.has_room).tolist():
        halo, letters = masks[k]
        # From the box's corner to the mask's, which may begin elsewhere.
        dx, dy = places.offsets_px[k] - (letters.x, letters.y)
        shown.append(
            PlacedLabel(
                int(labels.points[k]),
                replace(halo, x=halo.x + round(dx), y=halo.y + round(dy)),
                replace(letters, x=letters.x + round(dx), y=letters.y + round(dy)),
            )
        )
    return PlacedLabels(tuple(shown), len(masks) - len(shown))


def _moved(sprite: Sprite, to: NDArray[np.float64], within: Box) -> Iterator[Sprite]:
    """A sprite about a point in place of the page's corner, cut where the panel ends."""
    x, y = sprite.x + round(float(to[0])), sprite.y + round(float(to[1]))
    left = max(0, round(within.x) - x)
    top = max(0, round(within.y) - y)
    right = round(within.x + within.width) - x
    bottom = round(within.y + within.height) - y
    mask = sprite.mask[top : max(top, bottom), left : max(left, right)]
    if mask.size:
        yield Sprite(np.ascontiguousarray(mask), x + left, y + top, sprite.color)
