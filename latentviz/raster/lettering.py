"""Text on pictures that our own compositor draws: a font, a mask of a line of text, its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..backend import import_matplotlib
from ..text import fitted
from .fonts import covering
from .shapes import Letters, Shape

ALIGNED = {"l": "left", "m": "center", "r": "right"}


@dataclass(frozen=True)
class Sprite:
    """Text, or a mark, as a mask, and where it goes."""

    mask: NDArray[np.float32]  # (h, w) 0..1
    x: int
    y: int
    color: tuple[int, int, int]
    shape: Shape  # of which the mask was made, at its place on the page
    clip: tuple[int, int, int, int] | None = None  # (left, top, right, bottom): it was cut there

    def moved(self, dx: int, dy: int) -> Sprite:
        """The same elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy, shape=self.shape.moved(dx, dy))

    def faded(self, opacity: float) -> Sprite:
        """The same, of which so much is seen, 0 to 1."""
        mask = self.mask * np.float32(opacity)
        return replace(self, mask=mask, shape=self.shape.faded(opacity))


@cache
def font(size_px: float) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    import_matplotlib()
    from matplotlib import get_data_path

    # Pillow's basic layout: its other engine may or may not be there, and would shape differently.
    path = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)


def fitted_text(text: str, face: ImageFont.FreeTypeFont, room: float) -> str:
    """A line of text, shortened if it would be longer than ``room`` pixels."""
    return fitted(text, room, covering(text, face).getlength)


@lru_cache(maxsize=64)  # most of a heading is the same from frame to frame
def text_sprite(
    text: str,
    face: ImageFont.FreeTypeFont,
    x: float,
    y: float,
    color: tuple[int, int, int],
    *,
    anchor: str = "ls",
    stroke_px: int = 0,
) -> Sprite:
    """A line of text; ``anchor`` is Pillow's, and says which part of it lies at (x, y).

    With a stroke the letters are so much thicker on all sides: a ground for them.
    """
    face = covering(text, face)
    left, top, right, bottom = face.getbbox(text, anchor=anchor, stroke_width=stroke_px)
    left, top = int(np.floor(left)), int(np.floor(top))
    size = max(1, int(np.ceil(right)) - left), max(1, int(np.ceil(bottom)) - top)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text(
        (-left, -top), text, fill=255, font=face, anchor=anchor, stroke_width=stroke_px
    )
    mask = np.asarray(image, dtype=np.float32) / np.float32(255)
    # Of Pillow's anchors: the first says what of the text lies at x, the second what at y.
    below = face.getmetrics()[0] if anchor[1] == "a" else 0
    letters = Letters(
        text, face.size, round(x), round(y) + below, ALIGNED[anchor[0]], float(stroke_px)
    )
    return Sprite(mask, round(x) + left, round(y) + top, color, letters)


def blend_sprite(canvas: NDArray[np.uint8], sprite: Sprite) -> None:
    """Draw a sprite onto (3, H, W), as far as it lies on it; compiled, for frame after frame."""
    from .masks import blend_mask

    blend_mask(canvas, sprite.mask, sprite.x, sprite.y, sprite.color)


def blend_sprite_once(pixels: NDArray[np.uint8], sprite: Sprite) -> None:
    """Draw a sprite onto (H, W, 3), as `blend_sprite` would.

    For a picture that needs the compiler for nothing else: to load it takes longer than all that
    there is to draw.
    """
    height, width = pixels.shape[:2]
    top, left = max(0, sprite.y), max(0, sprite.x)
    bottom, right = max(top, height), max(left, width)
    mask = sprite.mask[top - sprite.y : bottom - sprite.y, left - sprite.x : right - sprite.x]
    part = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
    part[:] = np.rint(part + mask[..., None] * (np.array(sprite.color, np.float32) - part))
