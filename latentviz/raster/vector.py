"""What moves on a page as matplotlib's artists, for SVG and PDF: the same, in the same places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .discs import Discs, draw_discs, on_page
from .ground import transparent
from .lettering import Sprite
from .shapes import clip_to

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Box = tuple[int, int, int, int]

MOST_CIRCLES = 50_000  # of more, viewers of SVG and PDF take long
FINER = 3  # dots that are too many are pixels, so much smaller than the page's
LOWEST = 10.0  # above all that does not move


class Vectors:
    """Draws what moves onto a figure, each thing above those before."""

    def __init__(self, figure: Figure) -> None:
        """Onto the page without what moves, as large as it is, one pixel a point."""
        self._figure = figure
        self._z = LOWEST
        self._n_circles = 0

    def discs(self, discs: Discs, box: Box) -> None:
        """Draw discs within a box, (left, top, right, bottom) in pixels.

        Beyond `MOST_CIRCLES` in all, they become an image.
        """
        discs = on_page(discs)
        self._z += 1
        seen = _within(discs, box)
        self._n_circles += int(seen.sum())
        if self._n_circles > MOST_CIRCLES:
            self._image(discs, box)
            return
        # The topmost comes last.
        trail, step = (each[::-1] for each in np.nonzero(seen))
        kinds = discs.kinds[trail]
        places = np.stack([discs.xs[trail, step], discs.ys[trail, step]], -1).astype(np.float64)
        colors = np.column_stack([discs.colors[trail] / 255, discs.alphas[kinds]])
        radii = discs.radii[kinds].astype(np.float64)
        # A file has the outline of a circle once for each collection of one size.
        starts = np.flatnonzero(np.diff(radii, prepend=np.nan) != 0)
        for first, stop in zip(starts, [*starts[1:], len(radii)], strict=True):
            self._circles(places[first:stop], float(radii[first]), colors[first:stop], box)

    def _circles(
        self, places: NDArray[np.float64], radius: float, colors: NDArray[np.float64], box: Box
    ) -> None:
        """Draw circles of one size, the lowest first."""
        from matplotlib.collections import PathCollection
        from matplotlib.path import Path
        from matplotlib.transforms import IdentityTransform

        circles = PathCollection(
            [Path.unit_circle()],
            sizes=[radius**2],
            offsets=(0, self._figure.bbox.height) + places * (1, -1),
            offset_transform=IdentityTransform(),
            facecolors=colors,
            edgecolors="none",
            linewidths=0,
            transform=IdentityTransform(),
            zorder=self._z,
        )
        self._figure.add_artist(circles)
        clip_to(circles, self._figure, box)

    def sprites(self, sprites: Iterable[Sprite]) -> None:
        """Draw text and marks."""
        for sprite in sprites:
            self._z += 1
            artist = sprite.shape.draw(self._figure, sprite.color, self._z)
            if sprite.clip is not None:
                clip_to(artist, self._figure, sprite.clip)

    def _image(self, discs: Discs, box: Box) -> None:
        """Draw discs as pixels that are smaller than the page's."""
        page_width, page_height = self._figure.bbox.size
        left, top = max(0, box[0]), max(0, box[1])
        right, bottom = min(int(page_width), box[2]), min(int(page_height), box[3])
        width, height = right - left, bottom - top
        grounds = []
        for value in (0, 255):
            canvas = np.full((3, height * FINER, width * FINER), value, np.uint8)
            draw_discs(
                canvas, _enlarged(discs, (left, top), FINER), box=(0, 0, *canvas.shape[:0:-1])
            )
            grounds.append(canvas)
        axes = self._figure.add_axes(
            (
                left / page_width,
                1 - bottom / page_height,
                width / page_width,
                height / page_height,
            )
        )
        axes.set_axis_off()
        axes.set_zorder(self._z)
        pixels = np.ascontiguousarray(transparent(*grounds).transpose(1, 2, 0))
        axes.imshow(pixels, aspect="auto", interpolation="none")


def _within(discs: Discs, box: Box) -> NDArray[np.bool_]:
    """(M, n) which discs of each trail can be seen in a box."""
    radii = discs.radii[discs.kinds][:, None]
    left, top, right, bottom = box
    return (
        (np.arange(discs.xs.shape[1]) < discs.counts[:, None])
        & (discs.xs > left - radii)
        & (discs.xs < right + radii)
        & (discs.ys > top - radii)
        & (discs.ys < bottom + radii)
    )


def _enlarged(discs: Discs, origin: tuple[int, int], by: int) -> Discs:
    """Discs on a canvas that begins elsewhere, on which all is so many times as large."""
    return replace(
        discs,
        xs=(discs.xs - np.float32(origin[0])) * np.float32(by),
        ys=(discs.ys - np.float32(origin[1])) * np.float32(by),
        radii=discs.radii * np.float32(by),
    )
