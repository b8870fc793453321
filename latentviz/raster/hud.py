"""What changes from frame to frame besides the dots: the heading, and the lines at the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..backend import import_matplotlib
from ..theme import Theme, rgb_bytes
from .fonts import covering
from .layout import Box, Layout

HEADING_PX = 34.0  # sizes on a page of 1080 pixels
TITLE_PX = 24.0
LEAST_HEADING_PX, LEAST_TITLE_PX = 10.0, 8.0  # on any page
SPEED_SPACES = 3  # between the number and the speed
NOTE_MARGIN = 0.02  # of the page's width, right of what else the heading's row says
CURSOR_PX = 2.0
CURSOR_ALPHA = 0.85


@dataclass(frozen=True)
class Sprite:
    """Text as a mask, and where it goes."""

    mask: NDArray[np.float32]  # (h, w) 0..1
    x: int
    y: int
    color: tuple[int, int, int]


class Heading:
    """The step's number, in the middle of the page, and the playback speed.

    The number has a slot as wide as the longest one; what stands left and right of it ends and
    begins at the same place in all frames, so that nothing jitters.
    """

    def __init__(self, layout: Layout, theme: Theme, *, last_step: int) -> None:
        """Make room for the longest number to come."""
        self._font = font(max(LEAST_HEADING_PX, HEADING_PX * layout.scale))
        self._text, self._muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
        slot = len(str(last_step)) * self._font.getlength("0")
        box = layout.heading
        self._middle = box.x + box.width / 2
        self._word_end = self._middle - slot / 2 - self._font.getlength(" ")
        self._speed_at = self._middle + slot / 2 + self._font.getlength(" ") * SPEED_SPACES
        self._baseline = box.y + box.height * 0.75
        self._end = box.x + box.width * (1 - NOTE_MARGIN)
        self._note_px = max(LEAST_TITLE_PX, TITLE_PX * layout.scale)

    def sprites(self, words: str, number: int | None, speed: int | None) -> list[Sprite]:
        """The heading of one frame.

        Args:
            words: What the number is; they stand alone in the middle if there is none.
            number: Of the step.
            speed: How many steps the frame stands for; None says nothing of it.
        """
        if number is None:
            return [self._sprite(words, self._middle, self._text, anchor="ms")]
        sprites = [
            self._sprite(words, self._word_end, self._muted, anchor="rs"),
            self._sprite(str(number), self._middle, self._text, anchor="ms"),
        ]
        if speed is not None:
            sprites.append(self._sprite(speed_words(speed), self._speed_at, self._muted))
        return sprites

    def note(self, text: str, words: str, number: int | None, speed: int | None) -> list[Sprite]:
        """A few words at the end of the heading's row, where that leaves room for them.

        Args:
            text: The words.
            words: As of `sprites`, as are the others.
            number: Of the step.
            speed: In steps a frame.
        """
        taken = max(
            sprite.x + sprite.mask.shape[1] for sprite in self.sprites(words, number, speed)
        )
        for size_px in (self._note_px, LEAST_TITLE_PX):
            face = font(size_px)
            if taken + size_px + face.getlength(text) <= self._end:
                at = self._end, self._baseline
                return [text_sprite(text, face, *at, self._text, anchor="rs")]
        return []

    def _sprite(
        self, text: str, x: float, color: tuple[int, int, int], *, anchor: str = "ls"
    ) -> Sprite:
        return text_sprite(text, self._font, x, self._baseline, color, anchor=anchor)


def title_sprites(layout: Layout, titles: list[str], theme: Theme) -> list[Sprite]:
    """Each projection's title, centred above it, shortened if it is too long."""
    sprites = []
    for box, title in zip(layout.titles, titles, strict=True):
        face = covering(title, font(max(LEAST_TITLE_PX, TITLE_PX * layout.scale)))
        while face.getlength(title) > box.width * 0.95 and len(title) > 1:
            title = title.removesuffix("…")[:-1] + "…"
        at = box.x + box.width / 2, box.y + box.height * 0.8
        sprites.append(text_sprite(title, face, *at, rgb_bytes(theme.text), anchor="ms"))
    return sprites


@lru_cache(maxsize=64)  # most of a heading is the same from frame to frame
def text_sprite(
    text: str,
    face: ImageFont.FreeTypeFont,
    x: float,
    y: float,
    color: tuple[int, int, int],
    *,
    anchor: str = "ls",
) -> Sprite:
    """A line of text; ``anchor`` is Pillow's, and says which part of it lies at (x, y)."""
    face = covering(text, face)
    left, top, right, bottom = face.getbbox(text, anchor=anchor)
    left, top = int(np.floor(left)), int(np.floor(top))
    size = max(1, int(np.ceil(right)) - left), max(1, int(np.ceil(bottom)) - top)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=face, anchor=anchor)
    mask = np.asarray(image, dtype=np.float32) / np.float32(255)
    return Sprite(mask, round(x) + left, round(y) + top, color)


def blend_sprite(canvas: NDArray[np.uint8], sprite: Sprite) -> None:
    """Draw a sprite onto (3, H, W), as far as it lies on it."""
    from .discs import blend_mask

    blend_mask(canvas, sprite.mask, sprite.x, sprite.y, sprite.color)


def draw_cursor(
    canvas: NDArray[np.uint8], box: Box, share: float, theme: Theme, scale: float
) -> None:
    """Draw the vertical line at the current step, ``share`` of the way along a panel."""
    width = max(1.0, CURSOR_PX * scale)
    left = box.x + share * box.width - width / 2
    first, last = math.floor(left), math.ceil(left + width)
    # How much of each pixel column the line covers: it moves smoothly, not pixel by pixel.
    cover = [min(x + 1, left + width) - max(x, left) for x in range(first, last)]
    top, bottom = round(box.y), round(box.y + box.height)
    mask = np.empty((bottom - top, len(cover)), np.float32)
    mask[:] = [part * CURSOR_ALPHA for part in cover]
    blend_sprite(canvas, Sprite(mask, first, top, rgb_bytes(theme.cursor)))


def speed_words(speed: int) -> str:
    """The playback speed, in steps a frame; one step a frame is no fast-forward."""
    return f"▸▸{speed}x" if speed > 1 else f"▸{speed}x"


@cache
def font(size_px: float) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    import_matplotlib()
    from matplotlib import get_data_path

    # Pillow's basic layout: its other engine may or may not be there, and would shape differently.
    path = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
